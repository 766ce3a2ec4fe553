"""Probes."""

from orchard.common.ring import Ring


class Probe:
    """The probe of a store and the last readings of it, in degrees."""

    def __init__(self, store: str) -> None:
        self.store = store
        self._readings = Ring(12)

    def read(self, degrees: float) -> None:
        """Take one more reading."""
        self._readings.push(degrees)

    def recent(self, count: int) -> list[float]:
        """The latest readings."""
        return self._readings.tail(count)
