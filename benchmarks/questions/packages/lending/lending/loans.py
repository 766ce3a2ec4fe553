"""Copies that are out."""

import datetime as dt
from dataclasses import dataclass

from lending.members import Member
from lending.titles import Copy


@dataclass
class Loan:
    """A copy that a member has until a day."""

    copy: Copy
    member: Member
    since: dt.date
    due: dt.date
    renewals: int = 0


class Loans:
    """All loans, by the codes of the copies."""

    def __init__(self) -> None:
        self._loans: dict[str, Loan] = {}

    def add(self, loan: Loan) -> None:
        """Keep a loan."""
        self._loans[loan.copy.code] = loan

    def end(self, code: str) -> Loan:
        """Take a loan out and return it; KeyError where the copy is not out."""
        return self._loans.pop(code)

    def get(self, code: str) -> Loan | None:
        """Return the loan of a copy, None where it is not out."""
        return self._loans.get(code)

    def of(self, member: Member) -> list[Loan]:
        """Return a member's loans, the earliest due first."""
        own = [loan for loan in self._loans.values() if loan.member.number == member.number]
        return sorted(own, key=lambda loan: (loan.due, loan.copy.code))

    def overdue(self, day: dt.date) -> list[Loan]:
        """Return the loans that were due before a day, the earliest first."""
        late = [loan for loan in self._loans.values() if loan.due < day]
        return sorted(late, key=lambda loan: (loan.due, loan.copy.code))
