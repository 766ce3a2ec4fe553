"""Calls with several versions of a function: each is made in a forked process, whose state is that of the caller."""

from __future__ import annotations

import contextlib
import inspect
import os
import resource
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NoReturn

from .descriptions import describe
from .forks import wait_for
from .seen_values import SeenValues
from .variations import Change, Hints, list_constants, list_numbers, list_variations, replace_by, take_turns
from .written_calls import YIELDED, WrittenCall, write_call

# Seconds for one call, and calls with changed arguments.
_SECONDS, _VARIATIONS = 0.5, 60
# What a call may take and tell: bytes of memory above what the process has, and bytes of its outcome.
_MEMORY, _OUTCOME_BYTES = 512_000_000, 100_000

ArgumentChange = tuple[str, Change]
"""The name of an argument, and what returns it changed."""


@dataclass(frozen=True)
class Compared:
    """A call as it was made with all versions: what was `changed` in it, its arguments, and an outcome for each.

    Where outcomes differ, `setup` and `code` are Python that makes the call, and `results` has Python for what each
    version returns, or the name of what it raises, and what checks an argument that it changes; all of it is empty
    where there is none.
    """

    changed: str
    arguments: str
    outcomes: Sequence[str]
    setup: str = ""
    code: str = ""
    results: Sequence[tuple[str, bool, str]] = ()


class StoppedCall:
    """A call of `function` that has stopped at its first line, where `frame` has its arguments.

    `codes` are those of its versions, whose constants are tried as arguments, as are the `seen` values.
    """

    def __init__(
        self,
        function: types.FunctionType,
        frame: types.FrameType,
        codes: Iterable[types.CodeType],
        seen: SeenValues,
    ) -> None:
        self._function = function
        self._code = frame.f_code
        self._arguments = read_arguments(frame)
        values = [value for _, value in self._arguments]
        keys = frozenset(value for value in values if type(value) in (str, int))
        self._hints = Hints(list_constants(codes, function.__globals__), keys, list_numbers(values))
        self._seen = seen

    def compare(self, versions: Sequence[Callable[[], None]], deadline: float) -> Iterator[Compared]:
        """Make the call with each version, then with changed arguments, until the deadline.

        A version takes the place of the functions when it is called. What differs from one time to the next is left
        out.
        """
        changes: Iterator[tuple[str, ArgumentChange | None]] = chain([("", None)], islice(self._vary(), _VARIATIONS))
        for text, change in changes:
            outcomes = self._call_all(versions, change)
            unlike = dict(zip(outcomes, versions, strict=True))
            again = self._call_all(list(unlike.values()), change) if len(unlike) > 1 else list(unlike)
            if again == list(unlike):
                arguments = outcomes[0].partition("\n")[0]
                compared = Compared(text, arguments, [outcome.rpartition("\n")[2] for outcome in outcomes])
                yield self._write_sources(compared, change, unlike, outcomes) if len(unlike) > 1 else compared
            if time.monotonic() > deadline:
                return

    def _vary(self) -> Iterator[tuple[str, ArgumentChange]]:
        """Yield changes of arguments, one argument after the other in turns."""
        return take_turns(self._vary_argument(name, value) for name, value in self._arguments)

    def _vary_argument(self, name: str, value: Any) -> Iterator[tuple[str, ArgumentChange]]:
        """Yield changes of one argument, each once: to what it was in other calls in turns with those by its type."""
        others = ((text, replace_by(other)) for text, other in self._seen.list_others(name, value))
        earlier = set()
        for text, change in take_turns([list_variations(value, self._hints), others]):
            changed = f"{name}{text}" if text.startswith((".", "[")) else f"{name} = {text}"
            if changed not in earlier:
                earlier.add(changed)
                yield changed, (name, change)

    def _write_sources(
        self,
        compared: Compared,
        change: ArgumentChange | None,
        unlike: dict[str, Callable[[], None]],
        outcomes: Sequence[str],
    ) -> Compared:
        """Return the call with the Python that makes it, which is written in further processes."""
        texts = self._call_all(list(unlike.values()), change, writes=True)
        written = {outcome: WrittenCall.parse(text) for outcome, text in zip(unlike, texts, strict=True)}
        codes = {each.call for each in written.values()}
        # A version that yields is called otherwise than one that raises before it does.
        code = max(codes, key=len)
        if "" in codes or not codes <= {code, code.removeprefix("list(").removesuffix(")")}:
            return compared
        setup = sorted({line for each in written.values() for line in each.setup.splitlines()})
        results = [(each.result, each.raises, each.check) for each in map(written.__getitem__, outcomes)]
        return Compared(compared.changed, compared.arguments, compared.outcomes, "\n".join(setup), code, results)

    def _call_all(
        self, versions: Sequence[Callable[[], None]], change: ArgumentChange | None, *, writes: bool = False
    ) -> list[str]:
        """Return what came of the call with each version: the arguments, and in a second line the outcome.

        With `writes` it is the Python that makes the call and its result, as JSON.
        """
        deadline = time.monotonic() + _SECONDS
        with contextlib.ExitStack() as stack:
            descriptors = [stack.enter_context(open_memory()) for _ in versions]
            processes = []
            # At the same time: with many processes, waiting for one another takes longest.
            for version, descriptor in zip(versions, descriptors, strict=True):
                if (pid := os.fork()) == 0:
                    self._make_call(version, change, descriptor, writes=writes)
                processes.append(pid)
            statuses = [wait_for(pid, deadline - time.monotonic()) for pid in processes]
            texts = [os.pread(descriptor, _OUTCOME_BYTES, 0).decode("utf-8", "replace") for descriptor in descriptors]
        return [text if writes else _complete(text, status) for text, status in zip(texts, statuses, strict=True)]

    def _make_call(
        self, version: Callable[[], None], change: ArgumentChange | None, descriptor: int, *, writes: bool
    ) -> NoReturn:
        try:
            os.setsid()
            limit_resources()
            version()
            arguments = dict(self._arguments)
            if change is not None:
                name, apply = change
                arguments[name] = apply(arguments[name])
            if writes:
                _write(descriptor, write_call(self._function, *_arrange(self._code, arguments)).format())
            else:
                self._tell_outcome(arguments, descriptor)
        finally:
            os._exit(0)

    def _tell_outcome(self, arguments: dict[str, Any], descriptor: int) -> None:
        before = {name: describe(value) for name, value in arguments.items()}
        # Descriptions have no line breaks.
        _write(descriptor, ", ".join(f"{name}={text}" for name, text in before.items()))
        outcome = _describe_outcome(self._function, *_arrange(self._code, arguments))
        after = {name: describe(value) for name, value in arguments.items()}
        changed = [f"{name} becomes {text}" for name, text in after.items() if text != before[name]]
        # Descriptions have no tabs either.
        _write(descriptor, f"\n{outcome}\t{'; '.join(changed)}")


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
            return f"yields {describe(list(islice(result, YIELDED)))}"
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


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode("utf-8", "backslashreplace")[: _OUTCOME_BYTES // 2])


def limit_resources() -> None:
    """Bound the memory and the processor time of this process."""
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
