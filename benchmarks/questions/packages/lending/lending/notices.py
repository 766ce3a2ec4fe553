"""Letters to members."""

import datetime as dt

from lending.desk import Desk
from lending.fines import fine


def overdue_letters(desk: Desk, day: dt.date) -> dict[str, list[str]]:
    """Return for each member's name what is overdue on a day, a line for each copy with its fine so far in euros."""
    letters: dict[str, list[str]] = {}
    for loan in desk.loans.overdue(day):
        cents = fine(loan, day, desk.days)
        letters.setdefault(loan.member.name, []).append(f"{loan.copy.title.name}: {cents / 100:.2f}")
    return letters


def reminder(desk: Desk, code: str, day: dt.date) -> str:
    """Say on how many open days after a day a copy can still be brought back in time."""
    loan = desk.loans.get(code)
    if loan is None:
        return "not out"
    left = desk.days.count(day, loan.due)
    return f"{loan.copy.title.name}: {left} open day{'' if left == 1 else 's'} left"
