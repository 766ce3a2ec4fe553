"""Stops."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CHANGE = 2


@dataclass(frozen=True)
class Stop:
    """A stop with its code, and how many minutes it takes to change buses there."""

    code: str
    name: str
    change: int = CHANGE


class Stops:
    """Stops by their codes."""

    def __init__(self, stops: Iterable[Stop]) -> None:
        self._stops = {stop.code: stop for stop in stops}

    def get(self, code: str) -> Stop:
        """Return a stop, or raise KeyError."""
        return self._stops[code]

    def named(self, name: str) -> list[Stop]:
        """Return the stops with a name, whatever its case, by their codes."""
        wanted = name.strip().lower()
        return sorted((stop for stop in self._stops.values() if stop.name.lower() == wanted), key=lambda one: one.code)


def parse_stop(words: Sequence[str]) -> Stop:
    """Read a code, a name in which `_` is a space, and the change time where it is given."""
    code, name, *rest = words
    return Stop(code, name.replace("_", " "), int(rest[0]) if rest else CHANGE)
