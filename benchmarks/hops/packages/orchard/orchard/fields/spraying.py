"""Spraying: when a row is due to be sprayed."""

from datetime import date, timedelta

from orchard.fields.row import Row

EVERY = timedelta(days=28)


def due_for_spraying(rows: list[Row], day: date) -> list[int]:
    """The rows that were never sprayed, or not for four weeks."""
    return [row.number for row in rows if row.sprayed is None or day - row.sprayed >= EVERY]


def litres(row: Row, per_tree: float = 1.5) -> float:
    """What spraying a row takes."""
    return row.trees * per_tree
