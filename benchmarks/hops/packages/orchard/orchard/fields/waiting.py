"""Waiting times."""

from collections.abc import Mapping
from datetime import date

from orchard.common.elapsed import days_between


class Waiting:
    """How many days to wait, by what for; a week where nothing is said."""

    def __init__(self, days: Mapping[str, int]) -> None:
        self._days = days

    def is_over(self, what: str, since: date, day: date) -> bool:
        """Whether the waiting time has passed."""
        return days_between(since, day) >= self._days.get(what, 7)
