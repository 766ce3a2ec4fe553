"""What is on the shelves, batch by batch."""

from dataclasses import dataclass

from larder.names import normal
from larder.units import Amount


class Missing(Exception):
    """There is not enough of something."""


@dataclass
class Batch:
    amount: Amount
    best_before: int


class Stock:
    """Batches by ingredient; days are counted from the first."""

    def __init__(self):
        self._batches = {}

    def put(self, name, amount, best_before=9999):
        batches = self._batches.setdefault(normal(name), [])
        batches.append(Batch(amount, best_before))
        batches.sort(key=lambda batch: batch.best_before)

    def names(self):
        return sorted(self._batches)

    def amount(self, name, day=0):
        """All that is good on a day, or None when there is nothing."""
        total = None
        for batch in self._batches.get(normal(name), []):
            if batch.best_before >= day:
                total = batch.amount if total is None else total + batch.amount
        return total

    def take(self, name, amount, day=0):
        """Take so much, of the oldest good batches first; raise Missing and take nothing when there is less."""
        have = self.amount(name, day)
        if have is None or not have.covers(amount):
            raise Missing(name)
        left = amount
        kept = []
        for batch in self._batches[normal(name)]:
            if batch.best_before >= day and left.number > 0:
                if left.covers(batch.amount):
                    left = left - batch.amount
                    continue
                batch.amount = batch.amount - left
                left = left * 0
            kept.append(batch)
        self._batches[normal(name)] = kept

    def expiring(self, day, within=3):
        """The names of what has to be used within some days, soonest first."""
        found = []
        for name, batches in self._batches.items():
            for batch in batches:
                if day <= batch.best_before <= day + within:
                    found.append((batch.best_before, name))
        return [name for _, name in sorted(set(found))]
