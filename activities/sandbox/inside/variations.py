"""Variations of a value by its type: the boundaries, the empty, the neighbours, and what the code compares with.

A variation is made in a forked process, so that it may change an object where it is.
"""

from __future__ import annotations

import datetime
import enum
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any

# How deep parts of a value are varied.
_DEPTH = 2
# Characters and items of what is varied; larger values stay as they are.
_SIZE = 2_000
# Members of an enumeration and attributes of an object that are tried.
_MEMBERS, _FIELDS = 6, 12
# Numbers and texts of the code that are tried, and the largest number: with larger ones, loops take too long.
_CONSTANTS, _LARGEST = 4, 1_000_000
# Numbers of the arguments that are tried.
_NUMBERS = 4
# Types without fields of their own.
_PLAIN = (bool, str, bytes, dict, set, frozenset, type(None))
# Characters of a text of the code: longer ones are messages and documentation.
_WORD = 40

# Keys that are looked up in what a call names.
_KEYS = (str, int)

Change = Callable[[Any], Any]
"""Returns the changed value for the value, which it may change where it is."""


@dataclass(frozen=True)
class Hints:
    """What is likely to matter.

    `constants` are tried in place of numbers and texts, `numbers` are those in the arguments of the call, with which
    the code may compare another, and `keys` are what it names of mappings.
    """

    constants: Sequence[Any] = ()
    keys: frozenset[Any] = frozenset()
    numbers: Sequence[Any] = ()


def list_constants(codes: Iterable[types.CodeType], names: Mapping[str, Any]) -> list[Any]:
    """Return the numbers and texts that code contains, and those of the module's `names` that it uses.

    Inputs at what the code compares with tell versions apart: the constant pool of Fraser and Arcuri, "EvoSuite:
    automatic test suite generation for object-oriented software", ESEC/FSE 2011.
    """
    constants = dict.fromkeys(value for code in codes for value in _walk_constants(code, names))
    numbers = [value for value in constants if type(value) is not str and 1 < abs(value) <= _LARGEST]
    texts = [value for value in constants if type(value) is str and 0 < len(value) <= _WORD]
    return numbers[:_CONSTANTS] + texts[:_CONSTANTS]


def _walk_constants(code: types.CodeType, names: Mapping[str, Any]) -> Iterator[Any]:
    waiting = [*(names.get(name) for name in code.co_names), *code.co_consts]
    for value in waiting:
        if isinstance(value, types.CodeType):
            yield from _walk_constants(value, names)
        elif type(value) in (tuple, frozenset):
            waiting.extend(value)
        elif type(value) in (int, float, str):
            yield value


def list_numbers(values: Iterable[Any]) -> list[Any]:
    """Return the numbers that arguments are, or have at the ends of a list or in the fields of an object."""
    numbers = dict.fromkeys(number for value in values for number in _walk_numbers(value, _DEPTH))
    return [number for number in numbers if 1 < abs(number) <= _LARGEST][:_NUMBERS]


def _walk_numbers(value: Any, depth: int) -> Iterator[Any]:
    kind = type(value)
    if kind in (int, float):
        yield value
    elif depth and kind in (list, tuple):
        for part in (*value[:1], *value[-1:]):
            yield from _walk_numbers(part, depth - 1)
    elif depth and kind not in _PLAIN:
        for name in _list_fields(value):
            with suppress(AttributeError):
                yield from _walk_numbers(object.__getattribute__(value, name), depth - 1)


def take_turns(lists: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """Yield the first item of each iterator, then the second of each, and so on."""
    left = list(lists)
    while left:
        for items in list(left):
            try:
                yield next(items)
            except StopIteration:
                left.remove(items)


def list_variations(value: Any, hints: Hints, depth: int = _DEPTH) -> Iterator[tuple[str, Change]]:
    """Yield changes of a value, each with its description; those of the whole come before those of its parts."""
    kind = type(value)
    if kind is bool:
        yield f"{not value}", replace_by(not value)
    elif kind is int or kind is float:
        constants, numbers = (
            [kind(each) for each in of if _fits(each, kind)] for of in (hints.constants, hints.numbers)
        )
        for other in dict.fromkeys(_list_numbers(value, constants, numbers)):
            if other != value:
                yield repr(other), replace_by(other)
    elif kind is str or kind is bytes:
        if len(value) <= _SIZE:
            yield from _vary_text(value, [each for each in hints.constants if type(each) is kind])
    elif issubclass(kind, enum.Enum):
        for member in list(kind)[:_MEMBERS]:
            if member is not value:
                yield str(member.name), replace_by(member)
    elif kind is datetime.timedelta:
        yield "zero", replace_by(datetime.timedelta())
    elif kind in (datetime.date, datetime.datetime):
        for days in (1, -1, 31):
            yield f"{days:+} days", _add(datetime.timedelta(days))
    elif kind in (list, tuple):
        if len(value) <= _SIZE:
            yield from _vary_sequence(value, kind, hints, depth)
    elif kind is dict:
        yield from _vary_mapping(value, hints, depth)
    elif kind in (set, frozenset) and value:
        yield "empty", lambda _: kind()
    elif depth:
        yield from take_turns(_vary_field(value, name, hints, depth) for name in _list_fields(value))


def _fits(constant: Any, kind: type) -> bool:
    return type(constant) is kind or (kind is float and type(constant) is int)


def _list_numbers(value: Any, constants: list[Any], numbers: list[Any]) -> Iterator[Any]:
    yield from (value + 1, value - 1, 0, -value)
    others = [number for number in numbers if number != value]
    for other in (*constants, *others):
        yield from (other, other + 1, other - 1)
    for first, second in combinations(constants, 2):
        yield first + second
    for other in others:
        for constant in constants:
            yield from (other + constant, other - constant)
    for constant in constants:
        yield from (value + constant, value - constant)


def replace_by(other: Any) -> Change:
    """Return the change to another value."""
    return lambda _: other


def _add(more: Any) -> Change:
    return lambda given: given + more


def _vary_text(value: Any, constants: list[Any]) -> Iterator[tuple[str, Change]]:
    space = value[:0] + (" " if type(value) is str else b" ")
    others = (value[:0], value[1:], value[:-1], value + value, value.swapcase(), space + value, value[::-1])
    for other in dict.fromkeys((*others, *constants)):
        if other != value:
            yield repr(other), replace_by(other)


def _vary_sequence(value: Any, kind: Any, hints: Hints, depth: int) -> Iterator[tuple[str, Change]]:
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
        for text, change in list_variations(value[position], hints, depth - 1):

            def put(given: Any, position: int = position, change: Change = change) -> Any:
                parts = list(given)
                parts[position] = change(parts[position])
                return kind(parts)

            yield f"[{position}] = {text}", put


def _vary_mapping(value: dict[Any, Any], hints: Hints, depth: int) -> Iterator[tuple[str, Change]]:
    if not value:
        return
    yield "empty", lambda _: {}
    key = next((key for key in value if type(key) in _KEYS and key in hints.keys), next(iter(value)))
    name = repr(key) if type(key) in _KEYS else "the first"
    yield f"without {name}", lambda given: _put_entry(given, key)
    if not depth:
        return
    for text, change in list_variations(value[key], hints, depth - 1):

        def put(given: dict[Any, Any], change: Change = change) -> Any:
            return _put_entry(given, key, change)

        yield f"[{name}] = {text}", put


def _put_entry(given: dict[Any, Any], key: Any, change: Change | None = None) -> dict[Any, Any]:
    """Return a dictionary with one entry changed, or without it; keys are told by identity, which runs no code."""
    entries = ((own, change(value) if change and own is key else value) for own, value in given.items())
    return {own: value for own, value in entries if change or own is not key}


def _list_fields(value: Any) -> list[str]:
    held = getattr(value, "__dict__", None) if not isinstance(value, (type, types.ModuleType)) else None
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return (list(held) if type(held) is dict else slots)[:_FIELDS]


def _vary_field(value: Any, name: str, hints: Hints, depth: int) -> Iterator[tuple[str, Change]]:
    try:
        part = object.__getattribute__(value, name)
    except AttributeError:
        return
    for text, change in list_variations(part, hints, depth - 1):

        def put(given: Any, change: Change = change) -> Any:
            object.__setattr__(given, name, change(object.__getattribute__(given, name)))
            return given

        yield f".{name} = {text}", put
