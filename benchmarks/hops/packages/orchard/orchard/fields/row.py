"""Rows of trees."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Row:
    """A row: its number, the variety, the number of trees, and when it was last sprayed."""

    number: int
    variety: str
    trees: int
    sprayed: date | None = None
