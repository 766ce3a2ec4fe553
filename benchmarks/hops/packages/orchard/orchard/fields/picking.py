"""The picking list of a day."""

from datetime import date

from orchard.fields.access import may_enter
from orchard.fields.row import Row


def picking_list(rows: list[Row], variety: str, day: date) -> list[int]:
    """The rows of a variety to which pickers are sent: none that was sprayed too short a time ago."""
    return [row.number for row in rows if row.variety == variety and may_enter(row, day)]
