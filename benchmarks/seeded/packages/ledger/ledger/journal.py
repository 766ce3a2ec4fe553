"""The journal: all entries, by day."""

import bisect

from ledger.entries import Entry, Posting
from ledger.money import split


class Closed(Exception):
    """A day that may no longer be written to."""


class Journal:
    def __init__(self, chart):
        self.chart = chart
        self.closed_to = ""
        self._entries = []

    def post(self, entry):
        """Check an entry and put it behind those of the same day."""
        entry.check()
        for posting in entry.postings:
            self.chart.check(posting.account)
        if entry.day <= self.closed_to:
            raise Closed(entry.day)
        days = [one.day for one in self._entries]
        self._entries.insert(bisect.bisect_right(days, entry.day), entry)
        return entry

    def post_split(self, day, text, source, amount, shares):
        """Pay an amount from `source`, divided among accounts by their shares."""
        parts = split(amount, list(shares.values()))
        postings = [Posting(account, part) for account, part in zip(shares, parts)]
        return self.post(Entry(day, text, [*postings, Posting(source, -amount)]))

    def entries(self, first="", last="9999"):
        """The entries of some days, both included."""
        return [entry for entry in self._entries if first <= entry.day <= last]

    def before(self, day):
        """The entries of all earlier days."""
        return [entry for entry in self._entries if entry.day < day]

    def close(self, day):
        """Let nothing be posted on a day or before any more."""
        self.closed_to = max(self.closed_to, day)
