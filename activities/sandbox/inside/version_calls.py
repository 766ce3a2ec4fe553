"""Calls with several versions of a function: each is made in a forked process, whose state is that of the caller."""

from __future__ import annotations

import contextlib
import inspect
import os
import resource
import time
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NoReturn

from .descriptions import describe
from .forks import wait_for
from .variations import Change, list_variations

# Seconds for one call, and calls with changed arguments.
_SECONDS, _VARIATIONS = 0.5, 60
# What a call may take and tell: bytes of memory above what the process has, bytes of its outcome, yielded values.
_MEMORY, _OUTCOME_BYTES, _YIELDED = 512_000_000, 100_000, 50

ArgumentChange = tuple[str, Change]
"""The name of an argument, and what returns it changed."""


class StoppedCall:
    """A call of `function` that has stopped at its first line, where `frame` has its arguments."""

    def __init__(self, function: types.FunctionType, frame: types.FrameType) -> None:
        self._function = function
        self._code = frame.f_code
        self._arguments = read_arguments(frame)

    def compare(
        self, versions: Sequence[Callable[[], None]], deadline: float
    ) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Make the call with each version, then with changed arguments, until the deadline.

        A version takes the place of the functions when it is called. Yields what was changed, the arguments, and an
        outcome for each version. What differs from one time to the next is left out.
        """
        changes: Iterator[tuple[str, ArgumentChange | None]] = chain(
            [("", None)], islice(_vary(self._arguments), _VARIATIONS)
        )
        for text, change in changes:
            outcomes = self._call_all(versions, change)
            unlike = dict(zip(outcomes, versions, strict=True))
            again = self._call_all(list(unlike.values()), change) if len(unlike) > 1 else list(unlike)
            if again == list(unlike):
                arguments = outcomes[0].partition("\n")[0]
                yield text, arguments, [outcome.rpartition("\n")[2] for outcome in outcomes]
            if time.monotonic() > deadline:
                return

    def _call_all(self, versions: Sequence[Callable[[], None]], change: ArgumentChange | None) -> list[str]:
        """Return what came of the call with each version: the arguments, and in a second line the outcome."""
        deadline = time.monotonic() + _SECONDS
        with contextlib.ExitStack() as stack:
            descriptors = [stack.enter_context(open_memory()) for _ in versions]
            processes = []
            # At the same time: with many processes, waiting for one another takes longest.
            for version, descriptor in zip(versions, descriptors, strict=True):
                if (pid := os.fork()) == 0:
                    self._make_call(version, change, descriptor)
                processes.append(pid)
            statuses = [wait_for(pid, deadline - time.monotonic()) for pid in processes]
            texts = [os.pread(descriptor, _OUTCOME_BYTES, 0).decode("utf-8", "replace") for descriptor in descriptors]
        return [_complete(text, status) for text, status in zip(texts, statuses, strict=True)]

    def _make_call(self, version: Callable[[], None], change: ArgumentChange | None, descriptor: int) -> NoReturn:
        try:
            os.setsid()
            _limit_resources()
            version()
            arguments = dict(self._arguments)
            if change is not None:
                name, apply = change
                arguments[name] = apply(arguments[name])
            before = {name: describe(value) for name, value in arguments.items()}
            # Descriptions have no line breaks.
            _write(descriptor, ", ".join(f"{name}={text}" for name, text in before.items()))
            outcome = _describe_outcome(self._function, *_arrange(self._code, arguments))
            after = {name: describe(value) for name, value in arguments.items()}
            changed = [f"; {name} becomes {text}" for name, text in after.items() if text != before[name]]
            _write(descriptor, "".join(["\n", outcome, *changed]))
        finally:
            os._exit(0)


def _complete(text: str, status: int | None) -> str:
    arguments, line, outcome = text.partition("\n")
    if status is None:
        outcome = "does not end"
    elif not line:
        outcome = "ends the process"
    return f"{arguments}\n{outcome}"


def _describe_outcome(function: Callable[..., Any], arguments: list[Any], named: dict[str, Any]) -> str:
    try:
        result = function(*arguments, **named)
        if inspect.isgenerator(result):
            return f"yields {describe(list(islice(result, _YIELDED)))}"
        if inspect.iscoroutine(result):
            result.close()
            return "has to be awaited"
        return f"returns {describe(result)}"
    except BaseException as error:
        return f"raises {describe(error)}"


def read_arguments(frame: types.FrameType) -> list[tuple[str, Any]]:
    """Return the arguments of a call that has stopped at its first line, by name."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    held = frame.f_locals
    return [(name, held[name]) for name in code.co_varnames[:count]]


def _arrange(code: types.CodeType, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments as they are given by position and by name."""
    end = code.co_argcount + code.co_kwonlyargcount
    given = [arguments[name] for name in code.co_varnames[: code.co_argcount]]
    named = {name: arguments[name] for name in code.co_varnames[code.co_argcount : end]}
    if code.co_flags & inspect.CO_VARARGS:
        given += arguments[code.co_varnames[end]]
        end += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= arguments[code.co_varnames[end]]
    return given, named


def _vary(arguments: list[tuple[str, Any]]) -> Iterator[tuple[str, ArgumentChange]]:
    """Yield changes of arguments, one argument after the other in turns."""
    turns = [(name, list_variations(value)) for name, value in arguments]
    while turns:
        for turn in list(turns):
            name, variations = turn
            if (variation := next(variations, None)) is None:
                turns.remove(turn)
            else:
                text, change = variation
                yield (f"{name}{text}" if text.startswith((".", "[")) else f"{name} = {text}"), (name, change)


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode("utf-8", "backslashreplace")[: _OUTCOME_BYTES // 2])


def _limit_resources() -> None:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    for kind, value in ((resource.RLIMIT_AS, used + _MEMORY), (resource.RLIMIT_CPU, 2), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (value, value))


@contextlib.contextmanager
def open_memory() -> Iterator[int]:
    """Open a file in memory, in which a forked process leaves what it has to tell."""
    descriptor = os.memfd_create("outcome")
    try:
        yield descriptor
    finally:
        os.close(descriptor)
