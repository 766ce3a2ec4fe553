"""Delays."""

from datetime import date, datetime, time, timedelta


def delayed(leaves: time, minutes: int) -> time:
    """The time that the board shows for a departure that is late."""
    return (datetime.combine(date.min, leaves) + timedelta(minutes=minutes)).time()
