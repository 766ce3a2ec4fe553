"""The book: every fill of a car, by month."""

from collections import defaultdict

from tank.reader import fills


class Book:
    """Fills by month, in the order in which they were written down."""

    def __init__(self, lines=()):
        self._months = defaultdict(list)
        for fill in fills(lines):
            self.add(fill)

    def add(self, fill):
        """Write down a fill."""
        self._months[fill.month].append(fill)

    def months(self):
        """The months with at least one fill, ascending."""
        return sorted(self._months)

    def month(self, name):
        """The fills of a month, none when nothing was written down."""
        return tuple(self._months.get(name, ()))
