"""Python that makes a value or a call again, for tests: only what comes out the same when it is run.

Writing runs code of the values, such as constructors, so it is done in a process of its own.
"""

from __future__ import annotations

import enum
import inspect
import math
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from .descriptions import TOLD_BY_REPR, describe, list_fields

# What is written of a value: levels, parts in all, characters.
_DEPTH, _PARTS, _CHARACTERS = 6, 80, 1_500
_PLAIN = (int, bool, str, bytes, type(None), type(Ellipsis))
_MISSING = inspect.Parameter.empty
_METHODS = (staticmethod, classmethod)


class UnwritableError(Exception):
    """There is no short Python that makes the value."""


class Source:
    """Python for values and calls, with the imports that it needs.

    Values of a call that are in `variables`, by their identity, are written by that name.
    """

    def __init__(self, variables: Mapping[int, str] = MappingProxyType({})) -> None:
        self._variables = variables
        self._imports: dict[str, str] = {}
        self._left = _PARTS

    @property
    def names(self) -> frozenset[str]:
        """The names that are imported."""
        return frozenset(self._imports)

    @property
    def setup(self) -> str:
        """The imports, a line each."""
        imports = self._imports.items()
        return "\n".join(
            sorted(f"from {module} import {name}" if module else f"import {name}" for name, module in imports)
        )

    def write_value(self, value: Any) -> str:
        """Return the variable of the value, or else an expression that makes it; UnwritableError where none does."""
        return self._variables.get(id(value)) or self.make_value(value)

    def make_value(self, value: Any) -> str:
        """Return an expression that makes the value; UnwritableError where none does."""
        code = self._write(value, _DEPTH)
        if len(code) > _CHARACTERS or describe(self._evaluate(code)) != describe(value):
            raise UnwritableError
        return code

    def write_call(self, function: types.FunctionType, given: list[Any], named: dict[str, Any]) -> str:
        """Return an expression that calls `function`; UnwritableError where none does."""
        owner, _, name = function.__qualname__.rpartition(".")
        parameters = inspect.signature(function).parameters.values()
        if not owner:
            return f"{self._import(function)}({self._write_arguments(parameters, given, named)})"
        kind = self._find(function.__module__, owner)
        static = inspect.getattr_static(kind, name)
        if isinstance(static, _METHODS):
            skipped = 1 if isinstance(static, classmethod) else 0
            arguments = self._write_arguments([*parameters][skipped:], given[skipped:], named)
            return f"{self._import(kind)}.{name}({arguments})"
        if not given or inspect.getattr_static(type(given[0]), name, None) is not static:
            raise UnwritableError
        receiver = self.write_value(given[0])
        if isinstance(static, property):
            return f"{receiver}.{name}"
        return f"{receiver}.{name}({self._write_arguments([*parameters][1:], given[1:], named)})"

    def write_exception(self, error: BaseException) -> str:
        """Return the name of an exception's class; UnwritableError where it cannot be imported."""
        kind = type(error)
        return kind.__name__ if kind.__module__ == "builtins" else self._import(kind)

    def _write_arguments(self, parameters: Any, given: list[Any], named: dict[str, Any]) -> str:
        parameters = list(parameters)
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        given = list(given)
        while len(given) <= len(positional) and given and _is_default(positional[len(given) - 1], given[-1]):
            given.pop()
        defaults = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
        kept = {
            name: value
            for name, value in named.items()
            if name not in defaults or not _is_default(defaults[name], value)
        }
        return ", ".join(
            [self.write_value(value) for value in given]
            + [f"{name}={self.write_value(value)}" for name, value in kept.items()]
        )

    def _evaluate(self, code: str) -> Any:
        names: dict[str, Any] = {}
        try:
            exec(self.setup, names)  # noqa: S102 - in the sandbox, as all code of the repository
            return eval(code, names)  # noqa: S307
        except Exception:
            raise UnwritableError from None

    def _write(self, value: Any, depth: int) -> str:
        kind = type(value)
        self._left -= 1
        if self._left < 0 or not depth:
            raise UnwritableError
        if kind in _PLAIN and len(text := repr(value)) <= _CHARACTERS:
            return text
        if kind is float and not math.isnan(value):
            return repr(value) if math.isfinite(value) else f"float('{value}')"
        if kind in (list, tuple, set, frozenset, dict):
            return self._write_collection(value, kind, depth - 1)
        if issubclass(kind, enum.Enum):
            return f"{self._import(kind)}.{object.__getattribute__(value, '_name_')}"
        if kind.__module__ in TOLD_BY_REPR:
            return self._write_repr(value, kind)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self._import(value)
        return self._write_object(value, kind, depth - 1)

    def _write_collection(self, value: Any, kind: type, depth: int) -> str:
        if kind is dict:
            return "{" + ", ".join(f"{self._write(k, depth)}: {self._write(v, depth)}" for k, v in value.items()) + "}"
        parts = [self._write(part, depth) for part in value]
        if kind is list:
            return f"[{', '.join(parts)}]"
        if kind is tuple:
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        text = f"{{{', '.join(sorted(parts))}}}" if parts else "set()"
        return text if kind is set else f"frozenset({text if parts else ''})"

    def _write_repr(self, value: Any, kind: type) -> str:
        text = str(kind.__repr__(value))  # type: ignore[call-arg]
        module = kind.__module__
        if text.startswith(f"{module}."):
            self._imports[module] = ""
        else:
            self._imports[text.partition("(")[0]] = module
        return text

    def _write_object(self, value: Any, kind: type, depth: int) -> str:
        """Return the call of a class whose parameters are attributes of its objects."""
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return f"{self._import(kind)}({', '.join(self._write(part, depth) for part in tuple.__iter__(value))})"
        name = self._import(kind)
        fields = dict(list_fields(value))
        return f"{name}({', '.join(self._write_fields(kind, fields, depth))})"

    def _write_fields(self, kind: type, fields: dict[str, Any], depth: int) -> Iterator[str]:
        try:
            parameters = list(inspect.signature(kind).parameters.values())
        except (TypeError, ValueError):
            raise UnwritableError from None
        by_name = False
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                by_name = True
                continue
            held = next((name for name in (parameter.name, f"_{parameter.name}") if name in fields), None)
            if held is None and parameter.default is _MISSING:
                raise UnwritableError
            if held is None or _is_default(parameter, fields[held]) or _is_made_empty(kind, parameter, fields[held]):
                by_name = True
                continue
            text = self._write(fields[held], depth)
            by_name |= parameter.kind is parameter.KEYWORD_ONLY
            yield f"{parameter.name}={text}" if by_name else text

    def _import(self, thing: Any) -> str:
        """Return the name of a class or function, and import it."""
        module, name = str(thing.__module__), str(thing.__qualname__)
        if self._find(module, name) is not thing:
            raise UnwritableError
        top = name.partition(".")[0]
        if module != "builtins" and self._imports.setdefault(top, module) != module:
            raise UnwritableError
        return name

    def _find(self, module: str, name: str) -> Any:
        loaded = sys.modules.get(module)
        file = os.path.basename(getattr(loaded, "__file__", None) or "")  # noqa: PTH119
        if loaded is None or module == "__main__" or file.startswith(("test", "conftest")):
            raise UnwritableError
        thing: Any = loaded
        for part in name.split("."):
            thing = inspect.getattr_static(thing, part, None)
        return thing


def _is_default(parameter: inspect.Parameter, value: Any) -> bool:
    default = parameter.default
    return default is not _MISSING and type(default) is type(value) and describe(default) == describe(value)


def _is_made_empty(kind: type, parameter: inspect.Parameter, value: Any) -> bool:
    """Return whether a field of a dataclass is the empty collection that its objects begin with."""
    field = getattr(kind, "__dataclass_fields__", {}).get(parameter.name)
    return field is not None and type(value) in (list, dict, set) and field.default_factory is type(value) and not value


def try_to_write(write: Callable[[], str]) -> str:
    """Return what is written, empty where nothing can be."""
    try:
        code = write()
    except Exception:
        return ""
    return code if len(code) <= _CHARACTERS else ""
