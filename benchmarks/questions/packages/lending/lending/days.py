"""The days on which the library is open."""

import datetime as dt
from collections.abc import Iterable

ONE_DAY = dt.timedelta(days=1)


class OpenDays:
    """All days but some weekdays (Monday is 0) and some holidays."""

    def __init__(self, closed_weekdays: Iterable[int] = (6,), holidays: Iterable[dt.date] = ()) -> None:
        self._weekdays = frozenset(closed_weekdays)
        self._holidays = frozenset(holidays)
        if len(self._weekdays) == 7:
            raise ValueError("the library is open on one weekday at least")

    def is_open(self, day: dt.date) -> bool:
        """Return whether the library is open on a day."""
        return day.weekday() not in self._weekdays and day not in self._holidays

    def next_open(self, day: dt.date) -> dt.date:
        """Return the day itself where the library is open, else the next day on which it is."""
        while not self.is_open(day):
            day += ONE_DAY
        return day

    def count(self, after: dt.date, until: dt.date) -> int:
        """Return the number of open days after one day, itself not counted, until another, which counts."""
        number = 0
        day = after + ONE_DAY
        while day <= until:
            number += self.is_open(day)
            day += ONE_DAY
        return number
