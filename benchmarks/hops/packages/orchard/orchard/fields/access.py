"""Who may go where."""

from datetime import date

from orchard.fields.waiting import Waiting
from orchard.fields.row import Row

WAITING = Waiting({"apple": 14, "pear": 21})


def may_enter(row: Row, day: date) -> bool:
    """Whether people may work in a row."""
    return row.sprayed is None or WAITING.is_over(row.variety, row.sprayed, day)
