"""Patience."""

from courier.common.growth import doubled


class Patience:
    """How long we wait; from `start` to `longest`, in seconds."""

    def __init__(self, start: int = 30, longest: int = 3600) -> None:
        self._start = start
        self._longest = longest

    def pause(self, times: int) -> int:
        """The pause after so many disappointments, of which there was at least one."""
        return min(doubled(self._start, times - 1), self._longest)
