"""On which days buses run."""

import datetime as dt
from dataclasses import dataclass

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Service:
    """Weekdays between two days, both included, with days that are added and days that are removed."""

    weekdays: frozenset[int]
    first: dt.date
    last: dt.date
    added: frozenset[dt.date] = frozenset()
    removed: frozenset[dt.date] = frozenset()

    def runs_on(self, day: dt.date) -> bool:
        """Return whether the service runs on a day: removed days come before added ones, and these before the rest."""
        if day in self.removed:
            return False
        if day in self.added:
            return True
        if not self.first <= day <= self.last:
            return False
        return day.weekday() in self.weekdays


def parse_service(text: str) -> Service:
    """Read `mon,tue 2024-01-01 2024-06-30 +2024-07-07 -2024-05-01`."""
    names, first, last, *changes = text.split()
    days = {sign: frozenset(_day(one[1:]) for one in changes if one[0] == sign) for sign in "+-"}
    weekdays = frozenset(WEEKDAYS.index(name) for name in names.split(","))
    return Service(weekdays, _day(first), _day(last), days["+"], days["-"])


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
