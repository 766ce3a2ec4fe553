"""Boards at stops."""

import datetime as dt

from busline.times import show_time
from busline.trips import Timetable


def board(timetable: Timetable, stop: str, now: dt.datetime, rows: int = 5) -> list[str]:
    """Return the next departures of a calendar day from a moment on, each with its time, its line and where it goes."""
    minute = now.hour * 60 + now.minute
    coming = [one for one in timetable.departures(stop, now.date()) if one.minute >= minute]
    return [
        f"{show_time(one.minute)} {one.trip.line} {timetable.stops.get(one.trip.destination).name}"
        for one in coming[:rows]
    ]


def last_bus(timetable: Timetable, stop: str, day: dt.date) -> str | None:
    """Return when the last bus of a service day leaves a stop, which may be after midnight; None where none does."""
    leaving = [call.leaves for trip in timetable.running(day) for call in trip.calls[:-1] if call.stop == stop]
    return show_time(max(leaving)) if leaving else None
