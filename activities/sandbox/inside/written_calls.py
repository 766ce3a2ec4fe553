"""A call as Python, with what comes of it, as a test can say it."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from .descriptions import describe
from .sources import Source, try_to_write

# Values of a generator that are looked at.
YIELDED = 50
_UNCHANGING = (bool, int, float, str, bytes, type(None))


@dataclass(frozen=True)
class WrittenCall:
    """Python that makes a call after the imports of `setup`, and its result; each is empty where none can be written.

    The result is the name of an exception where it `raises`. Where the call changes an argument, `check` has two lines:
    one that makes the argument, and an expression that is true of the call's result and of the argument afterwards.
    """

    setup: str = ""
    call: str = ""
    result: str = ""
    raises: bool = False
    check: str = ""

    @classmethod
    def parse(cls, text: str) -> WrittenCall:
        """Return what `format` has written; empty where that was cut."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return cls()

    def format(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class _Variable:
    """An argument that the call may change, in a variable: the line that makes it, and the call with its name."""

    value: Any
    name: str
    before: str
    line: str
    call: str
    source: Source


def write_call(function: types.FunctionType, given: list[Any], named: dict[str, Any]) -> WrittenCall:
    """Make a call, and return it as Python."""
    source = Source()
    call = try_to_write(lambda: source.write_call(function, given, named))
    if not call:
        return WrittenCall()
    variables = list(_list_variables(function, given, named))
    try:
        result = function(*given, **named)
    except Exception as error:
        raised = error
        name = try_to_write(lambda: source.write_exception(raised))
        return WrittenCall(source.setup, call, name, raises=True)
    if inspect.isgenerator(result):
        call, result = f"list({call})", list(islice(result, YIELDED))
        variables = []
    written = try_to_write(lambda: source.write_value(result))
    changed = next((variable for variable in variables if describe(variable.value) != variable.before), None)
    check = try_to_write(lambda: _write_check(changed, written)) if changed and written else ""
    setup = {*source.setup.splitlines(), *(changed.source.setup.splitlines() if changed and check else ())}
    return WrittenCall("\n".join(sorted(setup)), call, written, check=check)


def _list_variables(function: types.FunctionType, given: list[Any], named: dict[str, Any]) -> Iterator[_Variable]:
    for name, value in zip(inspect.signature(function).parameters, given, strict=False):
        if type(value) in _UNCHANGING:
            continue
        variable = type(value).__name__.lower() if name in ("self", "cls") else name
        source = Source({id(value): variable})
        line = try_to_write(lambda value=value, source=source: source.make_value(value))  # type: ignore[misc]
        call = try_to_write(lambda source=source: source.write_call(function, given, named))  # type: ignore[misc]
        if line and call and variable not in source.names:
            yield _Variable(value, variable, describe(value), f"{variable} = {line}", call, source)


def _write_check(changed: _Variable, written: str) -> str:
    """Return the check of a changed argument, if it is true when it is run; else nothing."""
    source = changed.source
    check = f"({changed.call}, {changed.name}) == ({written}, {source.make_value(changed.value)})"
    names: dict[str, Any] = {}
    exec(f"{source.setup}\n{changed.line}", names)  # noqa: S102 - in the sandbox, as all code of the repository
    return f"{changed.line}\n{check}" if eval(check, names) is True else ""  # noqa: S307
