"""Ticket numbers."""


class Numbers:
    """Counts the tickets of a port."""

    def __init__(self, port: str) -> None:
        self._prefix = port[:3].upper()
        self._last = 0

    def next(self) -> str:
        """The next ticket number, such as "DOV-0001"."""
        self._last += 1
        return f"{self._prefix}-{self._last:04d}"
