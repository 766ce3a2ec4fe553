"""The desk: copies go out and come back."""

import datetime as dt
from collections.abc import Iterable

from lending.days import OpenDays
from lending.fines import fine
from lending.holds import Holds
from lending.loans import Loan, Loans
from lending.members import Member
from lending.titles import Copy, Title

MOST_RENEWALS = 2


class Refused(Exception):
    """Something that the desk does not do."""


class Desk:
    """A desk with its copies."""

    def __init__(self, copies: Iterable[Copy], days: OpenDays) -> None:
        self.days = days
        self.loans = Loans()
        self.holds = Holds()
        self._copies = {copy.code: copy for copy in copies}

    def free(self, title: Title) -> list[Copy]:
        """Return the copies of a title that are in."""
        own = (copy for copy in self._copies.values() if copy.title.isbn == title.isbn)
        return [copy for copy in own if self.loans.get(copy.code) is None]

    def lend(self, code: str, member: Member, day: dt.date) -> Loan:
        """Lend a copy; Refused where it is out, the member has enough, or those who come before take all copies."""
        copy = self._copies[code]
        if self.loans.get(code) is not None:
            raise Refused(f"{copy.title.name} is out")
        if len(self.loans.of(member)) >= member.limit:
            raise Refused(f"{member.name} has enough")
        if self.holds.ahead(copy.title.isbn, member) >= len(self.free(copy.title)):
            raise Refused(f"others wait for {copy.title.name}")
        self.holds.drop(copy.title.isbn, member)
        loan = Loan(copy, member, day, self._due(copy.title, day))
        self.loans.add(loan)
        return loan

    def take_back(self, code: str, day: dt.date) -> int:
        """Take a copy back, charge what it costs, and return that in cents."""
        loan = self.loans.end(code)
        cents = fine(loan, day, self.days)
        loan.member.owes += cents
        return cents

    def renew(self, code: str, day: dt.date) -> dt.date:
        """Lend a copy for another period from a day and return when it is due; Refused where others wait for it."""
        loan = self.loans.get(code)
        if loan is None:
            raise Refused(f"{code} is not out")
        if self.holds.waiting(loan.copy.title.isbn) or loan.renewals >= MOST_RENEWALS:
            raise Refused(f"{loan.copy.title.name} cannot be renewed")
        loan.renewals += 1
        loan.due = self._due(loan.copy.title, day)
        return loan.due

    def _due(self, title: Title, day: dt.date) -> dt.date:
        return self.days.next_open(day + dt.timedelta(days=title.period))
