"""Descriptions of values, for comparing what two versions of a function do without running any code of the values.

A description reads like Python where it can: `[1, 'a', Span(start=1, end=2)]`. Equal descriptions are taken for equal
values. Nothing of an object is called: no `__repr__`, `__eq__`, `__len__` or property, which may lie, hang or act.
"""

from __future__ import annotations

import enum
import hashlib
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

TOLD_BY_REPR = frozenset({"datetime", "decimal", "fractions", "uuid", "pathlib", "ipaddress", "zoneinfo"})
"""Modules of the standard library whose types tell all of a value by their own representation."""

# What is read of a value, since it may be large or contain itself: levels, parts in all, characters, bits.
_DEPTH, _PARTS, _CHARACTERS, _BITS = 7, 1_000, 300, 4_000
_NUMBERS = (bool, int, float, complex, type(None), type(Ellipsis), type(NotImplemented))
_TEXTS = (str, bytes, bytearray)
_BASES: tuple[Any, ...] = (dict, list, deque, tuple, set, frozenset, *_TEXTS, int, float, BaseException)
_ARGUMENTS: Any = BaseException.__dict__["args"]
_NAMED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def describe(value: Any) -> str:
    """Return the description of a value."""
    return _Describer().describe(value, _DEPTH)


class _Describer:
    """Describes one value; what it has of parts left is shared by all of its levels."""

    def __init__(self) -> None:
        self._left = _PARTS
        self._open: list[int] = []

    def describe(self, value: Any, depth: int) -> str:
        kind = type(value)
        self._left -= 1
        if self._left < 0:
            return "…"
        if kind is int and value.bit_length() > _BITS:
            return f"<an int of {value.bit_length()} bits>"
        if kind in _NUMBERS:
            return repr(value)
        if kind in _TEXTS:
            return _describe_text(value)
        if not depth:
            return "…"
        if id(value) in self._open:
            return "<itself>"
        self._open.append(id(value))
        try:
            return self._describe_parts(value, kind, depth - 1)
        finally:
            self._open.pop()

    def _describe_parts(self, value: Any, kind: type, depth: int) -> str:
        if kind.__module__ in TOLD_BY_REPR:
            return str(kind.__repr__(value))  # type: ignore[call-arg]
        if issubclass(kind, type):
            return f"<class {_name(value)}>"
        if kind in _NAMED:
            return f"<function {value.__qualname__}>"
        if issubclass(kind, enum.Enum):
            return f"{_name(kind)}.{object.__getattribute__(value, '_name_')}"
        parts: list[str] = []
        base = next((base for base in _BASES if issubclass(kind, base)), None)
        if kind is not base and base in (tuple, BaseException):
            content = value if base is tuple else _ARGUMENTS.__get__(value)
            parts += self._take(self.describe(part, depth) for part in tuple.__iter__(content))
        elif base is not None:
            parts.append(self._describe_content(value, base, depth))
            if kind is base and kind is not deque:
                return parts[0]
        parts += self._take(f"{name}={self.describe(part, depth)}" for name, part in list_fields(value))
        return f"{_name(kind)}({', '.join(parts)})" if parts else f"<{_name(kind)}>"

    def _describe_content(self, value: Any, base: Any, depth: int) -> str:
        """Describe what an object of a subclass of `base` is as one of `base`."""
        if base in _TEXTS:
            return self.describe(base.__getitem__(value, slice(None)), depth)
        if base in (int, float):
            return self.describe(base.__pos__(value), depth)
        if base is dict:
            pairs = (f"{self.describe(key, depth)}: {self.describe(part, depth)}" for key, part in dict.items(value))
            return f"{{{', '.join(self._take(pairs))}}}"
        parts = [*self._take(self.describe(part, depth) for part in base.__iter__(value))]
        if base in (list, deque):
            return f"[{', '.join(parts)}]"
        if base is tuple:
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        return f"{{{', '.join(sorted(parts))}}}" if parts else "set()"

    def _take(self, parts: Iterable[str]) -> Iterator[str]:
        for part in parts:
            if self._left < 0:
                yield "…"
                return
            yield part


def _describe_text(text: Any) -> str:
    if len(text) <= _CHARACTERS:
        return repr(text)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return f"{text[:_CHARACTERS]!r}<of {len(text)}: {hashlib.sha256(data).hexdigest()[:12]}>"


def _name(kind: type) -> str:
    return str(type.__dict__["__qualname__"].__get__(kind))


def list_fields(value: Any) -> list[tuple[str, Any]]:
    """Return the attributes that an object holds itself, in the order of their names."""
    fields: dict[str, Any] = {}
    for kind in type.__dict__["__mro__"].__get__(type(value)):
        own = type.__dict__["__dict__"].__get__(kind)
        descriptor = own.get("__dict__")
        if isinstance(descriptor, types.GetSetDescriptorType) and not fields:
            held = descriptor.__get__(value)
            if type(held) is dict:
                fields.update((name, part) for name, part in held.items() if type(name) is str)
        for name, slot in own.items():
            if isinstance(slot, types.MemberDescriptorType) and kind.__module__ != "builtins":
                try:
                    fields.setdefault(name, slot.__get__(value))
                except AttributeError:
                    continue
    return sorted(fields.items())
