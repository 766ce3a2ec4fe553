"""Values that arguments had in earlier calls, to try in later ones.

What one test gives a function is often what tells two versions apart in the state that another test has made: the
object pool of Pacheco, Lahiri, Ernst and Ball, "Feedback-Directed Random Test Generation", ICSE 2007.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from .descriptions import describe

# Values that are kept of an argument, the newest ones; the items of one, and characters of a text.
_KEPT, _ITEMS, _CHARACTERS = 8, 20, 200
_ATOMS = (bool, int, float, str, bytes, type(None))


class SeenValues:
    """The plain values of the arguments of one function, by name."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Any]] = {}

    def add(self, arguments: Iterable[tuple[str, Any]]) -> None:
        """Keep a copy of those arguments that are plain."""
        for name, value in arguments:
            if _is_plain(value):
                values = self._values.setdefault(name, {})
                text = describe(value)
                values.pop(text, None)
                values[text] = copy.deepcopy(value)
                if len(values) > _KEPT:
                    del values[next(iter(values))]

    def list_others(self, name: str, value: Any) -> list[tuple[str, Any]]:
        """Return the descriptions and values that an argument had in calls in which it was not `value`."""
        values = self._values.get(name, {})
        own = describe(value)
        return [(text, other) for text, other in reversed(values.items()) if text != own]


def _is_plain(value: Any, depth: int = 2) -> bool:
    """Return whether a value consists of what can be copied and described without any code of the tests."""
    kind = type(value)
    if kind in _ATOMS:
        return kind not in (str, bytes) or len(value) <= _CHARACTERS
    if kind is dict:
        return _are_plain([*value.keys(), *value.values()], depth)
    return kind in (list, tuple, set, frozenset) and _are_plain(value, depth)


def _are_plain(values: Any, depth: int) -> bool:
    return depth > 0 and len(values) <= 2 * _ITEMS and all(_is_plain(value, depth - 1) for value in values)
