"""Test results from what a run recorded. That is hostile input, so it is bounded, checked and stripped of escapes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from activities.sandbox.protocol import Execution
from hydranet.bounded_models import TESTS
from hydranet.contracts import TestReport, TestResult, TestResults
from hydranet.contracts.sandbox import NOTES
from hydranet.failures import summarise_failures
from hydranet.text.truncation import keep_distinct, keep_ends, keep_last_lines, keep_start

# Of what a run recorded: bytes, and characters of one line. It is as much as a sandbox may write by default.
BYTES_LIMIT = 256_000_000
LINE_LIMIT = 200_000
# Functions of the test runner that one run replaces.
REPLACED_LIMIT = 50
# What the contracts hold: tests, characters of an id, of a name in a report, of the output and of one message.
TESTS_LIMIT = 100_000
ID_LIMIT = 2_000
NAME_LIMIT = 200
OUTPUT_LIMIT = 20_000
MESSAGE_LIMIT = 20_000
# Characters of all messages of one run, so that the artifact stays small.
MESSAGES_LIMIT = 8_000_000

# The exit status of a shell for a command that does not exist.
NOT_FOUND = 127

_SEVERITY = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def parse_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a file with one per line, without what is malformed or beyond the limits."""
    for line in read_lines(path):
        record = parse_line(line)
        if record is not None:
            yield record


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file up to the limits."""
    room = BYTES_LIMIT
    with path.open("rb") as file:
        while room > 0 and (line := file.readline(LINE_LIMIT)):
            room -= len(line)
            yield line


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a line; None for anything else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def list_passed(record: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return the tests of a record about several that passed, with their seconds."""
    pairs = record.get("tests")
    pairs = pairs if record.get("kind") == "passed" and isinstance(pairs, list) else []
    return [(pair[0], pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]


def clean_output(text: str) -> str:
    """Return `text` without terminal escapes, control characters and lone surrogates."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


@dataclass
class RecordedTests:
    """The record of one run of tests.

    `tests` by id, in the order in which they ended; `unfinished` began and never ended; `collected` is None when no
    session got that far; `internal` is the text of an internal error of pytest. `unnamed` counts tests that passed and
    whose names were not kept. `sessions` have begun, and `canaries` are the outcomes of our test in each; `replaced`
    are functions of the test runner that the code under test replaced.
    """

    tests: dict[str, TestResult] = field(default_factory=dict)
    unfinished: dict[str, None] = field(default_factory=dict)
    unnamed: int = 0
    collected: int | None = None
    internal: str = ""
    status: int | None = None
    sessions: int = 0
    canaries: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    _room: int = MESSAGES_LIMIT

    @classmethod
    def of(cls, lines: Iterable[dict[str, Any]]) -> RecordedTests:
        """Return the record that the lines of one run make together."""
        recorded = cls()
        for line in lines:
            recorded.add(line)
        return recorded

    def add(self, record: dict[str, Any]) -> None:
        """Add one line; ignore it when it is not of the recorder's form."""
        kind = record.get("kind")
        if kind == "test":
            self._add_test(record)
        elif kind == "passed":
            for test, seconds in list_passed(record):
                self._add_test({"id": test, "outcome": "passed", "seconds": seconds})
        elif kind == "start" and (test := _identifier(record)) and len(self.unfinished) < TESTS_LIMIT:
            if test not in self.tests:
                self.unfinished[test] = None
        elif kind == "unnamed" and type(record.get("count")) is int:
            self.unnamed += max(0, record["count"])
        elif kind == "collected" and type(record.get("count")) is int:
            self.collected = (self.collected or 0) + min(max(0, record["count"]), 1_000_000)
        elif kind == "internal":
            self.internal = keep_last_lines(_text(record.get("message")), MESSAGE_LIMIT)
        elif kind == "finish" and type(record.get("status")) is int:
            self.status = record["status"]
        elif kind == "session":
            self.sessions += 1
        elif kind == "canary":
            self.canaries.append(str(record.get("outcome"))[:NAME_LIMIT])
        elif kind == "replaced" and len(self.replaced) < REPLACED_LIMIT:
            self.replaced.append(_text(record.get("name"))[:NAME_LIMIT])

    @property
    def has_ended(self) -> bool:
        """Whether every test ended that began, and the test runner said so."""
        return self.status is not None and not self.unfinished

    @property
    def passing_count(self) -> int:
        """How many tests passed."""
        return self.unnamed + sum(test.outcome == "passed" for test in self.tests.values())

    @property
    def has_dead_canary(self) -> bool:
        """Whether our test failed in every session."""
        return 0 < len(self.canaries) >= self.sessions and set(self.canaries) <= {"failed", "error"}

    def _add_test(self, record: dict[str, Any]) -> None:
        test, outcome = _identifier(record), record.get("outcome")
        if not test or not isinstance(outcome, str) or outcome not in _SEVERITY:
            return
        self.unfinished.pop(test, None)
        before = self.tests.get(test)
        # A test may run more than once; its worst outcome counts, so no later line can hide a failure.
        if before is not None and _SEVERITY[before.outcome] >= _SEVERITY[outcome]:
            return
        message = keep_last_lines(_text(record.get("message")), MESSAGE_LIMIT)
        message = message if len(message) <= self._room else ""
        self._room -= len(message)
        self.tests[test] = TestResult(
            id=test, outcome=outcome, seconds=_seconds(record.get("seconds")), message=message
        )


def list_tests(
    recorded: RecordedTests, execution: Execution, command: str, is_known: bool = False
) -> dict[str, TestResult]:
    """Return every test of a run of `command` by its id.

    A test that never ended is an error. A run that ended badly without a failing test has one more: the command
    itself, unless this ending `is_known` from the base commit. The command is also the only test when nothing was
    recorded.
    """
    tests = dict(recorded.tests)
    for test in recorded.unfinished:
        message = f"The test did not end: {describe_ending(execution)}.\n{_show_output(execution, 4000)}"
        tests.setdefault(test, TestResult(id=test, outcome="error", message=message))
    failed = bool(execution.exit_status or execution.reason) and not is_known
    is_empty = not tests and not recorded.unnamed
    if is_empty or (failed and not any(test.is_failing for test in tests.values())):
        message = f"{recorded.internal or _show_output(execution, 8000)}\n{describe_ending(execution)}".strip()
        outcome = "error" if failed else "passed"
        name = command[:ID_LIMIT]
        tests[name] = TestResult(id=name, outcome=outcome, seconds=execution.seconds, message=message if failed else "")
    return tests


def _show_output(execution: Execution, limit: int) -> str:
    streams = {"stdout": clean_output(execution.stdout).strip(), "stderr": clean_output(execution.stderr).strip()}
    if not all(streams.values()):
        return keep_last_lines(clean_output(execution.output), limit)
    # One may have what the other leaves of the limit.
    rooms = {"stdout": limit - len(streams["stderr"]), "stderr": limit - len(streams["stdout"])}
    return "\n".join(
        f"{name}:\n{keep_last_lines(text, max(rooms[name], limit // 2))}" for name, text in streams.items()
    )


def build_results(tests: Iterable[TestResult], recorded: RecordedTests, execution: Execution) -> TestResults:
    """Return the results of a run with these tests; of too many, those that fail are kept."""
    return TestResults(
        **limit_tests(tests, recorded.unnamed),
        exit_status=execution.exit_status,
        ending=execution.reason if recorded.sessions and recorded.has_ended else "",
        stdout=keep_ends(clean_output(execution.stdout), OUTPUT_LIMIT),
        stderr=keep_ends(clean_output(execution.stderr), OUTPUT_LIMIT),
        canary=recorded.has_dead_canary or (recorded.sessions > 0 and recorded.status is None),
        replaced=tuple(recorded.replaced),
    )


def limit_tests(tests: Iterable[TestResult], unnamed: int = 0) -> dict[str, Any]:
    """Return as many tests as a `TestResults` holds, failing ones first if there are more, as its fields."""
    kept = tuple(tests)
    if len(kept) > TESTS_LIMIT:
        kept = tuple(sorted(kept, key=lambda test: not test.is_failing))
        unnamed += sum(test.outcome == "passed" for test in kept[TESTS_LIMIT:])
    return {"tests": kept[:TESTS_LIMIT], "unnamed": unnamed}


def build_report(
    results: TestResults,
    recorded: RecordedTests,
    execution: Execution,
    distrust: str = "",
    notes: Iterable[str] = (),
) -> TestReport:
    """Return the summary of a run, without a reference to the `results` themselves.

    `distrust` explains a result that is not believed; `notes` are added to those about the run itself.
    """
    failures = summarise_failures(results.tests)
    failing = failures["failing_count"]
    return TestReport(
        **failures,
        passed=not failing,
        passing_count=results.passing_count,
        reason=(distrust if failing else "")
        or _summarize(failing, len(results.tests) + results.unnamed, recorded, execution),
        structured=bool(recorded.tests or recorded.unfinished or recorded.unnamed),
        exit_status=execution.exit_status,
        seconds=round(execution.seconds, 3),
        notes=tuple(dict.fromkeys((*notes, *_list_notes(results, recorded, execution))))[:NOTES],
    )


def _list_notes(results: TestResults, recorded: RecordedTests, execution: Execution) -> Iterator[str]:
    if results.ending:
        yield f"The test command did not exit when its tests had ended: {results.ending}."
    if execution.left_out:
        size = (execution.left_out + 1023) // 1024
        yield f"The middle of the output was left out, {size:,} KB ('sandbox.output_kb' says how much is kept)."
    if results.unnamed and recorded.sessions:
        yield f"The names of {results.unnamed:,} tests that passed are not kept: only their number is compared."
    elif results.unnamed:
        yield "The test runner does not name every test that passes: the others are compared by their number."


def _summarize(failing: int, known: int, recorded: RecordedTests, execution: Execution) -> str:
    if not failing:
        return ""
    ran = len(recorded.tests) + len(recorded.unfinished) + recorded.unnamed
    if not ran:
        return f"The test command failed: {describe_ending(execution)}."
    collected = recorded.collected or 0
    sentence = f"{failing} of {max(known, collected)} tests fail"
    if collected > ran or execution.reason:
        sentence += f"; {max(0, collected - ran)} never ran: {describe_ending(execution)}"
    return f"{sentence}."


def describe_ending(execution: Execution) -> str:
    """Return how a run ended, as a clause."""
    known = {
        2: "it was interrupted",
        3: "pytest had an internal error",
        4: "pytest refused its arguments",
        5: "no tests ran",
        NOT_FOUND: "the command was not found",
    }
    if execution.reason:
        return execution.reason
    status = execution.exit_status
    if status > 128:
        return f"the process was killed by signal {status - 128}"
    return f"exit status {status}" + (f" ({known[status]})" if status in known else "")


def settle_flaky(runs: Sequence[TestResults]) -> tuple[TestResults, list[str]]:
    """Return one result for each test of several runs of the same tree, and the ids of the flaky ones.

    A test fails when it failed in at least half of the runs. One that is missing in a run did not fail there: it may
    be the command, which stands for a run that ended badly.
    """
    first = runs[0]
    if len(runs) == 1:
        return first, []
    by_id: defaultdict[str, list[TestResult]] = defaultdict(list)
    for run in runs:
        for test in run.tests:
            by_id[test.id].append(test)
    tests: list[TestResult] = []
    flaky: list[str] = []
    for name, results in by_id.items():
        failed = [test for test in results if test.is_failing]
        passed = [test for test in results if not test.is_failing]
        if 0 < len(failed) < len(runs):
            flaky.append(name)
        if failed and 2 * len(failed) >= len(runs):
            tests.append(failed[0])
        elif passed:
            tests.append(passed[0])
    return first.model_copy(update=limit_tests(tests, first.unnamed)), flaky


def report_flaky(report: TestReport, flaky: Sequence[str], runs: int) -> TestReport:
    """Return the report with the tests that changed their outcome within `runs` runs."""
    if not flaky:
        return report
    names = [keep_distinct(name, NAME_LIMIT) for name in flaky[:TESTS]]
    more = f" and {len(flaky) - 1} more" if len(flaky) > 1 else ""
    sentence = f"In {runs} runs of the same code {keep_start(names[0], 120)}{more} changed from passing to failing."
    return report.model_copy(
        update={
            "flaky": tuple(names),
            "reason": keep_start(f"{report.reason} {sentence}".strip(), 300),
        }
    )


def _identifier(record: dict[str, Any]) -> str:
    value = record.get("id")
    return clean_output(value)[:ID_LIMIT] if isinstance(value, str) else ""


def _text(value: Any) -> str:
    return clean_output(value) if isinstance(value, str) else ""


def _seconds(value: Any) -> float:
    usable = isinstance(value, int | float) and 0 <= value < 1e6
    return round(float(value), 6) if usable else 0.0
