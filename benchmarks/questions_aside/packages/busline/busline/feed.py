"""Timetables read from text."""

from busline.services import Service, parse_service
from busline.stops import Stop, Stops, parse_stop
from busline.times import parse_time
from busline.trips import Call, Timetable, Trip


def read_feed(text: str) -> Timetable:
    """Read a timetable, a line for each stop, service and trip; empty lines are left out.

    `stop CODE NAME [CHANGE]`, where `_` in the name is a space; `service NAME DAYS...`;
    `trip NUMBER LINE SERVICE STOP@ARRIVES/LEAVES...`, where one time is both.
    """
    stops: list[Stop] = []
    services: dict[str, Service] = {}
    trips: list[Trip] = []
    for line in filter(str.strip, text.splitlines()):
        kind, *words = line.split()
        if kind == "stop":
            stops.append(parse_stop(words))
        elif kind == "service":
            services[words[0]] = parse_service(" ".join(words[1:]))
        elif kind == "trip":
            number, name, service, *calls = words
            trips.append(Trip(number, name, services[service], tuple(_call(one) for one in calls)))
        else:
            raise ValueError(f"{kind} is neither stop, service nor trip")
    return Timetable(Stops(stops), trips)


def _call(text: str) -> Call:
    stop, times = text.split("@")
    arrives, _, leaves = times.partition("/")
    return Call(stop, parse_time(arrives), parse_time(leaves or arrives))
