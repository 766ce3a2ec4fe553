"""What an expression may stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Module:
    """The module at a path, which ends in "/" for a folder without `__init__.py`."""

    path: str


@dataclass(frozen=True, slots=True)
class Class:
    """A class: the definition `number` of the file at `path`."""

    path: str
    number: int


@dataclass(frozen=True, slots=True)
class Instance:
    """A value whose class is `of`."""

    of: Class


@dataclass(frozen=True, slots=True)
class Super:
    """`super()` in a method of a class."""

    of: Class


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, of `receiver` when it was looked up on a class or an instance."""

    path: str
    number: int
    receiver: Class | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """A sequence of, or a mapping to, values like `element`."""

    element: Value
    is_mapping: bool

    def attribute(self, name: str) -> Value:
        """A method of the container, as far as it gives what is in it."""
        if name in _ELEMENT:
            return Accessor(self.element)
        if name in _SAME:
            return Accessor(self)
        return Accessor(Container(self.element, False)) if name == "values" else OUTSIDE


@dataclass(frozen=True, slots=True)
class Accessor:
    """A method of a container, which gives `result` when it is called."""

    result: Value


@dataclass(frozen=True, slots=True)
class Outside:
    """What is not of the repository, and nothing of it is."""


Value: TypeAlias = Module | Class | Instance | Super | Function | Container | Accessor | Outside
Values: TypeAlias = tuple[Value, ...]

OUTSIDE = Outside()

_ELEMENT = frozenset({"get", "pop", "popleft", "setdefault", "__enter__", "__getitem__", "__next__"})
_SAME = frozenset({"copy", "union", "intersection", "difference", "__iter__"})
_ALTERNATIVES = 8


def distinct(values: Iterable[Value]) -> Values:
    """The values, each once; what is outside only when nothing else is known."""
    found = list(dict.fromkeys(values))
    inside = [one for one in found if not isinstance(one, Outside)]
    return tuple((inside or found)[:_ALTERNATIVES])
