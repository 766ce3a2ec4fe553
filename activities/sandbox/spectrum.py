"""The spectrum of a test run: the lines that each test executes, and the predicates and values it observes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from activities.code.test_files import is_test_file
from activities.sandbox.protocol import INPUTS
from activities.sandbox.results import RecordedTests
from activities.sandbox.test_run import TestRunner, make_test_command
from activities.sandbox.time_limits import TimeLimits
from hydranet.contracts import Predicate, Spectrum, TestResults

# Tracing slows tests down. A test hangs when it computes so many times as long as the slowest that passes, and at
# least so many seconds; it has executed its lines by then.
SLOWDOWN, LEAST_CPU_SECONDS = 20, 0.25
# Seconds for all tests: failing ones come first, so only some passing ones may be left out.
LIMIT_SECONDS = 60.0
# What a spectrum holds at most: tests, pairs of a line and a test, the number of a line, characters of a predicate or
# value, predicates of a file, values of a line, and files with predicates or values.
TESTS_LIMIT = 20_000
ENTRIES_LIMIT = 2_000_000
LINE_LIMIT = 1_000_000
TEXT_LIMIT = 200
PREDICATES_LIMIT = 20_000
VALUES_LIMIT = 2_000
FILES_LIMIT = 2_000


async def build_spectrum(runner: TestRunner, baseline: TestResults, files: Collection[str], only: str = "") -> Spectrum:
    """Run the tests once more under coverage, failing ones first, and return their spectrum.

    `files` are the repository's; test files among them are left out. Pytest runs the tests of the file `only` alone,
    where one is named. A run that is killed has no lines.
    """
    sources = {path for path in files if path.endswith(".py") and not is_test_file(path)}
    if not sources:
        # Coverage is measured of Python alone: without any a run would tell nothing.
        return Spectrum(tests=baseline.tests[:TESTS_LIMIT])
    spec = runner.spec
    failing = [runner.variables.unmask(test.id) for test in baseline.tests if test.is_target]
    limits = TimeLimits.of(baseline, spec, SLOWDOWN, LEAST_CPU_SECONDS)
    records, _ = await runner.run(
        make_test_command(spec.test_command),
        plugin={
            "order": f"{INPUTS}/order.json",
            "only": only,
            "test_seconds": limits.wall,
            "cpu_seconds": limits.cpu,
            "coverage_seconds": min(LIMIT_SECONDS, spec.test_timeout / 2),
        },
        inputs={"order.json": json.dumps(failing)},
    )
    causes = {test.id: test.cause for test in baseline.tests if test.cause}
    recorded = RecordedTests.of(records).tests.values()
    # Failing ones come first.
    tests = tuple(test.model_copy(update={"cause": causes.get(test.id, "")}) for test in recorded)[:TESTS_LIMIT]
    numbers = {test.id: number for number, test in enumerate(tests)}
    return Spectrum(
        tests=tests,
        lines=_collect_lines(records, numbers, sources),
        predicates=_collect_predicates(records, numbers, sources),
        values=_collect_values(records, sources),
    )


# The records are hostile input: tests can write any line there.


def _collect_lines(
    records: list[dict[str, Any]], numbers: dict[str, int], sources: set[str]
) -> dict[str, dict[int, tuple[int, ...]]]:
    by_file: dict[str, dict[int, set[int]]] = {}
    room = ENTRIES_LIMIT
    for record in records:
        file, test, lines = record.get("file"), record.get("id"), record.get("lines")
        if record.get("kind") != "lines" or not isinstance(test, str) or not isinstance(lines, list):
            continue
        if not isinstance(file, str) or file not in sources or test not in numbers or len(lines) > room:
            continue
        room -= len(lines)
        by_line = by_file.setdefault(file, {})
        for line in lines:
            if type(line) is int and 0 < line <= LINE_LIMIT:
                by_line.setdefault(line, set()).add(numbers[test])
    return {
        file: {line: tuple(sorted(tests)) for line, tests in sorted(by_line.items())}
        for file, by_line in sorted(by_file.items())
    }


def _collect_predicates(
    records: list[dict[str, Any]], numbers: dict[str, int], sources: set[str]
) -> dict[str, tuple[Predicate, ...]]:
    by_file: dict[str, dict[tuple[int, str], set[int]]] = {}
    for record in records:
        file, test = record.get("file"), record.get("id")
        if record.get("kind") != "seen" or not isinstance(file, str) or file not in sources:
            continue
        if not isinstance(test, str) or test not in numbers:
            continue
        for line, text in _list_pairs(record.get("seen")):
            if isinstance(text, str) and len(text) <= TEXT_LIMIT:
                by_file.setdefault(file, {}).setdefault((line, text), set()).add(numbers[test])
    return {
        file: tuple(
            Predicate(line=line, told=text, tests=tuple(sorted(tests)))
            for (line, text), tests in sorted(predicates.items())[:PREDICATES_LIMIT]
        )
        for file, predicates in sorted(by_file.items())[:FILES_LIMIT]
    }


def _collect_values(records: list[dict[str, Any]], sources: set[str]) -> dict[str, dict[int, tuple[str, ...]]]:
    by_file: dict[str, dict[int, set[str]]] = {}
    for record in records:
        file = record.get("file")
        if record.get("kind") != "values" or not isinstance(file, str) or file not in sources:
            continue
        for line, values in _list_pairs(record.get("values")):
            if isinstance(values, list):
                usable = {value for value in values if isinstance(value, str) and len(value) <= TEXT_LIMIT}
                by_file.setdefault(file, {}).setdefault(line, set()).update(usable)
    return {
        file: {line: tuple(sorted(values)[:VALUES_LIMIT]) for line, values in sorted(by_line.items())}
        for file, by_line in sorted(by_file.items())[:FILES_LIMIT]
    }


def _list_pairs(pairs: Any) -> Iterator[tuple[int, Any]]:
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and 0 < pair[0] <= LINE_LIMIT:
            yield pair[0], pair[1]
