"""Entries: amounts moved between accounts on a day."""

from dataclasses import dataclass, field


class Unbalanced(ValueError):
    """An entry whose postings do not add up to nothing."""


@dataclass(frozen=True)
class Posting:
    """Cents on an account; debits are positive."""

    account: str
    amount: int


@dataclass
class Entry:
    day: str
    text: str
    postings: list = field(default_factory=list)

    def check(self):
        total = sum(posting.amount for posting in self.postings)
        if total:
            raise Unbalanced(f"{self.day} {self.text}: {total} cents too much")
        return self

    def touches(self, accounts):
        return any(posting.account in accounts for posting in self.postings)

    def reversed(self, day):
        """The entry that takes this one back."""
        turned = [Posting(posting.account, -posting.amount) for posting in self.postings]
        return Entry(day, f"reversal of {self.text}", turned)


def transfer(day, text, source, target, amount):
    """Cents from one account to another."""
    return Entry(day, text, [Posting(target, amount), Posting(source, -amount)]).check()
