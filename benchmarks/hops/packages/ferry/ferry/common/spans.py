"""Stretches of days."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Span:
    """The days from `first` to `last`, both in it."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date, days: int) -> "Span":
        """A span of so many days."""
        return cls(first, first + timedelta(days=days))

    def holds(self, day: date) -> bool:
        """Whether a day is in the span."""
        return self.first <= day <= self.last
