"""Variations of a value by its type: the boundaries, the empty, the neighbours.

A variation is made in a forked process, so that it may change an object where it is.
"""

from __future__ import annotations

import datetime
import enum
import types
from collections.abc import Callable, Iterator
from typing import Any

# How deep parts of a value are varied.
_DEPTH = 2
# Characters and items of what is varied; larger values stay as they are.
_SIZE = 2_000
# Members of an enumeration and attributes of an object that are tried.
_MEMBERS, _FIELDS = 6, 12

Change = Callable[[Any], Any]
"""Returns the changed value for the value, which it may change where it is."""


def list_variations(value: Any, depth: int = _DEPTH) -> Iterator[tuple[str, Change]]:
    """Yield changes of a value, each with its description; those of the whole come before those of its parts."""
    kind = type(value)
    if kind is bool:
        yield f"{not value}", _put(not value)
    elif kind is int or kind is float:
        for other in dict.fromkeys((value + 1, value - 1, 0, -value)):
            if other != value:
                yield repr(other), _put(other)
    elif kind is str or kind is bytes:
        if len(value) <= _SIZE:
            yield from _vary_text(value)
    elif issubclass(kind, enum.Enum):
        for member in list(kind)[:_MEMBERS]:
            if member is not value:
                yield str(member.name), _put(member)
    elif kind is datetime.timedelta:
        yield "zero", _put(datetime.timedelta())
    elif kind in (datetime.date, datetime.datetime):
        for days in (1, -1, 31):
            yield f"{days:+} days", _add(datetime.timedelta(days))
    elif kind in (list, tuple):
        if len(value) <= _SIZE:
            yield from _vary_sequence(value, kind, depth)
    elif kind is dict:
        yield from _vary_mapping(value, depth)
    elif kind in (set, frozenset) and value:
        yield "empty", lambda _: kind()
    elif depth:
        yield from _vary_fields(value, depth)


def _put(other: Any) -> Change:
    return lambda _: other


def _add(more: Any) -> Change:
    return lambda given: given + more


def _vary_text(value: Any) -> Iterator[tuple[str, Change]]:
    space = value[:0] + (" " if type(value) is str else b" ")
    others = (value[:0], value[1:], value[:-1], value + value, value.swapcase(), space + value, value[::-1])
    for other in dict.fromkeys(others):
        if other != value:
            yield repr(other), _put(other)


def _vary_sequence(value: Any, kind: Any, depth: int) -> Iterator[tuple[str, Change]]:
    if value:
        yield "empty", lambda _: kind()
    if len(value) > 1:
        yield "without the first", lambda given: given[1:]
        yield "without the last", lambda given: given[:-1]
        yield "reversed", lambda given: given[::-1]
    if value:
        yield "the first again at the end", lambda given: given + given[:1]
    if not depth:
        return
    for position in dict.fromkeys((0, len(value) - 1)) if value else ():
        for text, change in list_variations(value[position], depth - 1):

            def put(given: Any, position: int = position, change: Change = change) -> Any:
                parts = list(given)
                parts[position] = change(parts[position])
                return kind(parts)

            yield f"[{position}] = {text}", put


def _vary_mapping(value: dict[Any, Any], depth: int) -> Iterator[tuple[str, Change]]:
    if not value:
        return
    yield "empty", lambda _: {}
    first = next(iter(value))
    yield f"without {first!r}" if type(first) in (str, int) else "without the first", _drop_first
    if not depth:
        return
    for text, change in list_variations(value[first], depth - 1):

        def put(given: dict[Any, Any], change: Change = change) -> Any:
            name = next(iter(given))
            return {**given, name: change(given[name])}

        yield f"[first] = {text}", put


def _drop_first(given: dict[Any, Any]) -> dict[Any, Any]:
    return dict(list(given.items())[1:])


def _vary_fields(value: Any, depth: int) -> Iterator[tuple[str, Change]]:
    held = getattr(value, "__dict__", None) if not isinstance(value, (type, types.ModuleType)) else None
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    names = list(held) if type(held) is dict else slots
    for name in names[:_FIELDS]:
        try:
            part = object.__getattribute__(value, name)
        except AttributeError:
            continue
        for text, change in list_variations(part, depth - 1):

            def put(given: Any, name: str = name, change: Change = change) -> Any:
                object.__setattr__(given, name, change(object.__getattribute__(given, name)))
                return given

            yield f".{name} = {text}", put
