"""What an expression may stand for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias, TypeVar

import msgspec


class ModuleValue(msgspec.Struct, frozen=True, gc=False):
    """The module at a path, which ends in "/" for a folder without `__init__.py`."""

    path: str


class ClassValue(msgspec.Struct, frozen=True, gc=False):
    """A class: the definition `number` of the file at `path`."""

    path: str
    number: int


class InstanceValue(msgspec.Struct, frozen=True, gc=False):
    """A value whose class is `of`."""

    of: ClassValue


class SuperValue(msgspec.Struct, frozen=True, gc=False):
    """`super()` in a method of a class."""

    of: ClassValue


class FunctionValue(msgspec.Struct, frozen=True, gc=False):
    """A function or method, of `receiver` when it was looked up on a class or an instance."""

    path: str
    number: int
    receiver: ClassValue | None = None


class ContainerValue(msgspec.Struct, frozen=True, gc=False):
    """A sequence of, or a mapping to, values like `element`."""

    element: Value
    is_mapping: bool

    def attribute(self, name: str) -> Value:
        """Return a method of the container, as far as it gives what is in it."""
        if name in _ELEMENT:
            return AccessorValue(self.element)
        if name in _SAME:
            return AccessorValue(self)
        return AccessorValue(ContainerValue(self.element, False)) if name == "values" else OUTSIDE


class AccessorValue(msgspec.Struct, frozen=True, gc=False):
    """A method of a container, which gives `result` when it is called."""

    result: Value


class ExternalValue(msgspec.Struct, frozen=True, gc=False):
    """What is not of the repository, and nothing of it is."""


Value: TypeAlias = (
    ModuleValue
    | ClassValue
    | InstanceValue
    | SuperValue
    | FunctionValue
    | ContainerValue
    | AccessorValue
    | ExternalValue
)
Values: TypeAlias = tuple[Value, ...]

OUTSIDE = ExternalValue()

_ELEMENT = frozenset({"get", "pop", "popleft", "setdefault", "__enter__", "__getitem__", "__next__"})
_SAME = frozenset({"copy", "union", "intersection", "difference", "__iter__"})
_ALTERNATIVES = 8


def distinct(values: Iterable[Value]) -> Values:
    """Return the values, each once; what is outside only when nothing else is known."""
    matches = list(dict.fromkeys(values))
    if len(matches) < 2:
        return tuple(matches)
    inside = [item for item in matches if not isinstance(item, ExternalValue)]
    return tuple((inside or matches)[:_ALTERNATIVES])


T = TypeVar("T", bound=Hashable)


def linearise(first: T, lines: Sequence[Sequence[T]]) -> tuple[T, ...]:
    """Return the C3 linearisation of a class whose bases have these; depth first where there is none.

    Source: https://docs.python.org/3/howto/mro.html.
    """
    rest = [list(line) for line in [*lines, [line[0] for line in lines if line]] if line]
    merged = [first]
    while rest:
        tails = {item for line in rest for item in line[1:]}
        head = next((line[0] for line in rest if line[0] not in tails), None)
        if head is None:
            return tuple(dict.fromkeys([first, *(item for line in lines for item in line)]))
        merged.append(head)
        rest = [left for line in rest if (left := [item for item in line if item != head])]
    return tuple(merged)
