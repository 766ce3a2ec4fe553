"""What each test executes and sees: coverage with a context per test, and predicates, as a `Spectrum`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from activities.code.test_files import is_test_file
from activities.sandbox.protocol import INPUTS
from activities.sandbox.results import RecordedTests, is_failing
from activities.sandbox.test_run import TestBench, estimate_seconds, find_slowest, make_shell_command
from hydranet.contracts import Predicate, Spectrum, TestResults

# Tracing slows tests down; what computes for longer than this many times the slowest test that passes, and
# at least this long, hangs. It has executed its lines by then.
SLOWDOWN = 20
LEAST_CPU_SECONDS = 0.25
# Passing tests are measured until this much time has gone (seconds).
LIMIT_SECONDS = 60.0
ENTRIES_LIMIT = 2_000_000
PATH_LIMIT = 2_000
LINE_LIMIT = 1_000_000
TOLD_LIMIT = 200
PREDICATES_LIMIT = 20_000
VALUES_LIMIT = 2_000
FILES_LIMIT = 2_000


async def build_spectrum(bench: TestBench, baseline: TestResults, files: Collection[str]) -> Spectrum:
    """Run the tests once more, failing ones first, under coverage.

    `files` are the repository's; those of tests are left out. A run that is killed gives no lines.
    """
    spec = bench.spec
    order = sorted(baseline.tests, key=lambda test: not is_failing(test))
    usual = max(LEAST_CPU_SECONDS, SLOWDOWN * find_slowest(baseline.tests))
    lines, _ = await bench.run(
        make_shell_command(spec.test_command),
        plugin={
            "order": f"{INPUTS}/order.json",
            "test_seconds": min(4 * usual, estimate_seconds(spec)),
            "cpu_seconds": min(usual, estimate_seconds(spec)),
            "coverage_seconds": min(LIMIT_SECONDS, spec.test_timeout / 2),
        },
        inputs={"order.json": json.dumps([test.id for test in order if is_failing(test)])},
    )
    tests = tuple(RecordedTests.of(lines).tests.values())
    numbers = {test.id: number for number, test in enumerate(tests)}
    sources = {path for path in files if path.endswith(".py") and not is_test_file(path)}
    return Spectrum(
        tests=tests,
        lines=_lines(lines, numbers, sources),
        predicates=_predicates(lines, numbers, sources),
        values=_values(lines, sources),
    )


def _lines(
    records: list[dict[str, Any]], numbers: dict[str, int], sources: set[str]
) -> dict[str, dict[int, tuple[int, ...]]]:
    """By file and line the tests that execute it."""
    found: dict[str, dict[int, set[int]]] = {}
    room = ENTRIES_LIMIT
    for record in records:
        file, test, lines = record.get("file"), record.get("id"), record.get("lines")
        if record.get("kind") != "lines" or not isinstance(test, str) or not isinstance(lines, list):
            continue
        if not isinstance(file, str) or file not in sources or test not in numbers or len(lines) > room:
            continue
        room -= len(lines)
        by_line = found.setdefault(file, {})
        for line in lines:
            if type(line) is int and 0 < line <= LINE_LIMIT:
                by_line.setdefault(line, set()).add(numbers[test])
    return {
        file: {line: tuple(sorted(tests)) for line, tests in sorted(by_line.items())}
        for file, by_line in sorted(found.items())
    }


def _predicates(
    records: list[dict[str, Any]], numbers: dict[str, int], sources: set[str]
) -> dict[str, tuple[Predicate, ...]]:
    """By file what was seen at its lines."""
    found: dict[str, dict[tuple[int, str], set[int]]] = {}
    for record in records:
        file, test = record.get("file"), record.get("id")
        if record.get("kind") != "seen" or not isinstance(file, str) or file not in sources:
            continue
        if not isinstance(test, str) or test not in numbers:
            continue
        for line, told in _pairs(record.get("seen")):
            if isinstance(told, str) and len(told) <= TOLD_LIMIT:
                found.setdefault(file, {}).setdefault((line, told), set()).add(numbers[test])
    return {
        file: tuple(
            Predicate(line=line, told=told, tests=tuple(sorted(tests)))
            for (line, told), tests in sorted(seen.items())[:PREDICATES_LIMIT]
        )
        for file, seen in sorted(found.items())[:FILES_LIMIT]
    }


def _values(records: list[dict[str, Any]], sources: set[str]) -> dict[str, dict[int, tuple[str, ...]]]:
    """By file and line the values that were first returned there."""
    found: dict[str, dict[int, set[str]]] = {}
    for record in records:
        file = record.get("file")
        if record.get("kind") != "values" or not isinstance(file, str) or file not in sources:
            continue
        for line, values in _pairs(record.get("values")):
            if isinstance(values, list):
                known = {one for one in values if isinstance(one, str) and len(one) <= TOLD_LIMIT}
                found.setdefault(file, {}).setdefault(line, set()).update(known)
    return {
        file: {line: tuple(sorted(values)[:VALUES_LIMIT]) for line, values in sorted(by_line.items())}
        for file, by_line in sorted(found.items())[:FILES_LIMIT]
    }


def _pairs(given: Any) -> Iterator[tuple[int, Any]]:
    """The pairs of a line and something else that a record is hoped to hold."""
    for pair in given if isinstance(given, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and 0 < pair[0] <= LINE_LIMIT:
            yield pair[0], pair[1]
