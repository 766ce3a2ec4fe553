"""Titles and their copies."""

from dataclasses import dataclass

PERIODS = {"book": 28, "film": 7, "game": 14}


@dataclass(frozen=True)
class Title:
    """A work, and what kind of thing it is."""

    isbn: str
    name: str
    kind: str = "book"

    @property
    def period(self) -> int:
        """For how many days a copy is lent."""
        return PERIODS[self.kind]


@dataclass(frozen=True)
class Copy:
    """A copy of a title with its code."""

    code: str
    title: Title
