"""Local time, made of UTC."""

import datetime as dt

HOUR = dt.timedelta(hours=1)
SUNDAY = 6


def last_sunday(year: int, month: int) -> dt.date:
    """Return the last Sunday of a month with 31 days."""
    last = dt.date(year, month, 31)
    return last - dt.timedelta(days=(last.weekday() - SUNDAY) % 7)


def _one_o_clock(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 1)


def is_summer(utc: dt.datetime) -> bool:
    """Return whether it is summer time at a moment in UTC."""
    return _one_o_clock(last_sunday(utc.year, 3)) <= utc < _one_o_clock(last_sunday(utc.year, 10))


def to_local(utc: dt.datetime) -> dt.datetime:
    """Return the local time of a moment in UTC."""
    return utc + (2 * HOUR if is_summer(utc) else HOUR)
