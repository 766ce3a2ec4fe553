"""Examples in docstrings and documents, as interpreter sessions: what versions of the code make of each.

An example is what its author expects, as a test is. Unlike a test it may be out of date, so that it refutes nothing.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import os
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

from .descriptions import describe
from .forks import silence, wait_for
from .version_calls import limit_resources, open_memory

# Seconds for all examples with one version, bytes of what comes of them, and examples.
_SECONDS, _BYTES, _EXAMPLES = 3.0, 500_000, 100

Place = tuple[str, str, int]
"""The file of an example, what it documents there, and its number in that."""


def observe_examples(
    modules: Mapping[str, types.ModuleType],
    documents: Mapping[str, str],
    versions: Sequence[Callable[[], None]],
    seconds: float,
) -> Iterator[dict[str, Any]]:
    """Yield a record for each example: its file, what it documents, its code, and the outcome with each version.

    `modules` and `documents` are by file. A version, of which the first is the base, takes the place of the functions
    when it is called. `fails` has the positions of those that do not give what is documented. Examples that come out
    otherwise the second time are left out.
    """
    again, *runs = _run_all(modules, documents, [versions[0], *versions], min(seconds, _SECONDS))
    for place, example in runs[0].items():
        if again.get(place) == example:
            file, name, _ = place
            outcomes = [run.get(place, {"outcome": "does not end", "is_right": False}) for run in runs]
            yield {
                "file": file,
                "name": name,
                "source": example["source"],
                "outcomes": [each["outcome"] for each in outcomes],
                "fails": [number for number, each in enumerate(outcomes) if not each["is_right"]],
            }


def _run_all(
    modules: Mapping[str, types.ModuleType],
    documents: Mapping[str, str],
    versions: Sequence[Callable[[], None]],
    seconds: float,
) -> list[dict[Place, dict[str, Any]]]:
    """Return what came of the examples with each version, from a forked process each."""
    with ExitStack() as stack:
        descriptors = [stack.enter_context(open_memory()) for _ in versions]
        processes = []
        for version, descriptor in zip(versions, descriptors, strict=True):
            if (pid := os.fork()) == 0:
                _run_examples(modules, documents, version, descriptor)
            processes.append(pid)
        for pid in processes:
            wait_for(pid, seconds)
        texts = [os.pread(descriptor, _BYTES, 0).decode("utf-8", "replace") for descriptor in descriptors]
    return [dict(_read(text)) for text in texts]


def _read(text: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    for line in text.splitlines():
        with contextlib.suppress(ValueError):  # cut, since its time was up
            (file, name, number), example = json.loads(line)
            yield (file, name, number), example


def _run_examples(
    modules: Mapping[str, types.ModuleType],
    documents: Mapping[str, str],
    version: Callable[[], None],
    descriptor: int,
) -> NoReturn:
    try:
        os.setsid()
        silence()
        limit_resources()
        version()
        for file, name, test in _list_sessions(modules, documents):
            _Runner((file, name), descriptor).run(test, out=lambda _: None)
    finally:
        os._exit(0)


def _list_sessions(
    modules: Mapping[str, types.ModuleType], documents: Mapping[str, str]
) -> Iterator[tuple[str, str, doctest.DocTest]]:
    for file, module in modules.items():
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            yield file, test.name.removeprefix(f"{module.__name__}."), test
    for file, text in documents.items():
        with contextlib.suppress(ValueError):  # no session that can be read
            yield file, file, doctest.DocTestParser().get_doctest(text, {}, file, file, 0)


class _Runner(doctest.DocTestRunner):
    """Runs a session, and writes down what comes of each example that says what it gives."""

    def __init__(self, place: tuple[str, str], descriptor: int) -> None:
        super().__init__(verbose=False)
        self._place = place
        self._descriptor = descriptor
        self._count = 0

    def report_start(self, _out: Any, _test: doctest.DocTest, example: doctest.Example) -> None:
        """Say nothing."""

    def report_success(self, _out: Any, _test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        """Write down an example that gives what is documented, where anything is."""
        if example.exc_msg:
            self._write(example, f"raises {example.exc_msg.strip()}", is_right=True)
        elif example.want:
            self._write(example, _describe_print(got), is_right=True)

    def report_failure(self, _out: Any, _test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        """Write down an example that gives something else."""
        is_error = "Traceback (most recent call last):" in got
        outcome = f"raises {got.strip().splitlines()[-1].strip()}" if is_error else _describe_print(got)
        self._write(example, outcome, is_right=False)

    def report_unexpected_exception(
        self, _out: Any, _test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        """Write down an example that raises what is not documented."""
        raised = "".join(traceback.format_exception_only(*exc_info[:2])).strip().splitlines()[-1]
        self._write(example, f"raises {raised}", is_right=False)

    def _write(self, example: doctest.Example, outcome: str, *, is_right: bool) -> None:
        self._count += 1
        if self._count <= _EXAMPLES:
            result = {"source": example.source.strip(), "outcome": outcome, "is_right": is_right}
            line = json.dumps([[*self._place, self._count], result])
            os.write(self._descriptor, f"{line}\n".encode())


def _describe_print(got: str) -> str:
    text = got.strip()
    return f"prints {text if text.isprintable() and text else describe(text)}"
