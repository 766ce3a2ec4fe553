"""Rides from one stop to the next, and who gets them."""

import datetime as dt
from dataclasses import dataclass

from busline.trips import Call, Timetable, Trip


@dataclass(frozen=True)
class Hop:
    """A bus from one stop to the next."""

    trip: Trip
    leaves: Call
    arrives: Call


def hops(timetable: Timetable, day: dt.date) -> list[Hop]:
    """Return all hops of a service day in the order in which they leave."""
    result = [
        Hop(trip, first, second)
        for trip in timetable.running(day)
        for first, second in zip(trip.calls, trip.calls[1:], strict=False)
    ]
    return sorted(result, key=lambda hop: (hop.leaves.leaves, hop.arrives.arrives))


def can_board(timetable: Timetable, hop: Hop, arrived: int, first: bool) -> bool:
    """Return whether somebody who arrived at the stop of a hop gets its bus; the first bus needs no change."""
    change = 0 if first else timetable.stops.get(hop.leaves.stop).change
    return arrived + change <= hop.leaves.leaves
