"""The order in which keys were last used."""


class Recency:
    """Keys from the longest unused to the latest."""

    def __init__(self):
        self._order = {}

    def __iter__(self):
        return iter(list(self._order))

    def use(self, key):
        self._order.pop(key, None)
        self._order[key] = None

    def forget(self, key):
        self._order.pop(key, None)

    def oldest(self):
        return next(iter(self._order))
