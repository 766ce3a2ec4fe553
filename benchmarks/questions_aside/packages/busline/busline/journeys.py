"""Ways from stop to stop."""

import datetime as dt

from busline.hops import Hop, can_board, hops
from busline.times import show_time
from busline.trips import Timetable


def earliest(timetable: Timetable, origin: str, target: str, day: dt.date, start: int) -> list[Hop] | None:
    """Return the hops of the way that arrives first for who is at a stop at a time; None where there is none."""
    arrived = {origin: start}
    ways: dict[str, list[Hop]] = {origin: []}
    aboard: dict[str, list[Hop]] = {}
    for hop in hops(timetable, day):
        stop = hop.leaves.stop
        if hop.trip.number in aboard:
            way = aboard[hop.trip.number]
        elif stop in arrived and can_board(timetable, hop, arrived[stop], first=stop == origin):
            way = ways[stop]
        else:
            continue
        aboard[hop.trip.number] = way = [*way, hop]
        if hop.arrives.stop not in arrived or hop.arrives.arrives < arrived[hop.arrives.stop]:
            arrived[hop.arrives.stop] = hop.arrives.arrives
            ways[hop.arrives.stop] = way
    return ways.get(target)


def plan(timetable: Timetable, origin: str, target: str, day: dt.date, start: int) -> list[str]:
    """Describe the way that arrives first, a line for each bus; empty where there is none."""
    rides: list[list[Hop]] = []
    for hop in earliest(timetable, origin, target, day, start) or []:
        if rides and rides[-1][0].trip.number == hop.trip.number:
            rides[-1].append(hop)
        else:
            rides.append([hop])
    return [
        f"{ride[0].trip.line}: {ride[0].leaves.stop} {show_time(ride[0].leaves.leaves)}"
        f" - {ride[-1].arrives.stop} {show_time(ride[-1].arrives.arrives)}"
        for ride in rides
    ]
