"""Trips, and the timetable that they make up."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from busline.services import Service
from busline.stops import Stops
from busline.times import DAY


@dataclass(frozen=True)
class Call:
    """A bus at a stop: when it arrives and when it leaves."""

    stop: str
    arrives: int
    leaves: int


@dataclass(frozen=True)
class Trip:
    """A bus of a line on its way, on each day of its service."""

    number: str
    line: str
    service: Service
    calls: tuple[Call, ...]

    @property
    def destination(self) -> str:
        """The code of the last stop."""
        return self.calls[-1].stop


@dataclass(frozen=True)
class Departure:
    """A bus that leaves a stop, in minutes after the midnight of a calendar day."""

    minute: int
    trip: Trip


class Timetable:
    """Stops and trips."""

    def __init__(self, stops: Stops, trips: Iterable[Trip]) -> None:
        self.stops = stops
        self.trips = list(trips)

    def running(self, day: dt.date) -> list[Trip]:
        """Return the trips whose service runs on a day."""
        return [trip for trip in self.trips if trip.service.runs_on(day)]

    def departures(self, stop: str, day: dt.date) -> list[Departure]:
        """Return what leaves a stop on a calendar day, the night of the day before included, in order."""
        both = [*self._leaving(stop, day, 0), *self._leaving(stop, day, 1)]
        return sorted(both, key=lambda one: (one.minute, one.trip.line, one.trip.number))

    def _leaving(self, stop: str, day: dt.date, back: int) -> Iterator[Departure]:
        """Yield what leaves on a day of the trips that began so many days before it."""
        for trip in self.running(day - dt.timedelta(days=back)):
            for call in trip.calls[:-1]:
                minute = call.leaves - back * DAY
                if call.stop == stop and 0 <= minute < DAY:
                    yield Departure(minute, trip)
