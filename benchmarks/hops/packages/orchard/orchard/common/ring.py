"""Rings of fixed size."""


class Ring:
    """Keeps the last figures that were pushed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[float] = []

    def push(self, figure: float) -> None:
        """Add a figure; the oldest goes when the ring is full."""
        self._kept = [*self._kept, figure][-self._size :]

    def tail(self, count: int) -> list[float]:
        """The last figures, the oldest first."""
        return self._kept[:count]
