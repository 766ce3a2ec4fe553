"""What it costs to be late."""

import datetime as dt

from lending.days import OpenDays
from lending.loans import Loan

PER_DAY = 20
MOST = {"book": 1000, "film": 500, "game": 800}


def late_days(loan: Loan, returned: dt.date, days: OpenDays) -> int:
    """Return for how many open days a copy is late."""
    if returned <= loan.due:
        return 0
    return days.count(loan.due, returned)


def fine(loan: Loan, returned: dt.date, days: OpenDays) -> int:
    """Return the fine for a copy that comes back on a day in cents: by late days, and never above that of its kind."""
    return min(late_days(loan, returned, days) * PER_DAY, MOST[loan.copy.title.kind])
