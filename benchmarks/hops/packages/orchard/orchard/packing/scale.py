"""Scales."""

from orchard.packing.vessels import empty


class Scale:
    """A scale and the kind of vessel that is put on it."""

    def __init__(self, vessel: str, count: int = 1) -> None:
        self.vessel = vessel
        self.count = count

    def net(self, shown: float) -> float:
        """What the content weighs when the scale shows so much."""
        return shown - empty(self.vessel, self.count)
