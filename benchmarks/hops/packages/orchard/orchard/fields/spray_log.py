"""The log of what was sprayed where, for the inspector."""

from datetime import date

from orchard.fields.row import Row


def spray_log(rows: list[Row]) -> list[str]:
    """A line for each row that was sprayed, the latest first."""
    sprayed = [(row.sprayed, row.number) for row in rows if row.sprayed is not None]
    return [f"{day:%d.%m.%Y} row {number}" for day, number in sorted(sprayed, reverse=True)]


def sprayed_since(rows: list[Row], day: date) -> list[int]:
    """The rows that were sprayed on a day or later."""
    return [row.number for row in rows if row.sprayed is not None and row.sprayed >= day]
