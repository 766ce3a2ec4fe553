"""Trying candidates: which may be tried, running them, and which is the best."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from activities.code.test_files import is_test_file
from activities.sandbox.protocol import Execution
from activities.sandbox.results import RecordedTests, build_report, build_results, describe_ending, is_failing
from activities.sandbox.simplicity import measure_cost
from activities.sandbox.test_run import (
    PytestCommand,
    TestBench,
    estimate_seconds,
    find_slowest,
    make_shell_command,
    parse_pytest_command,
)
from hydranet import patches
from hydranet.contracts import Candidate, TestReport, TestResult, TestResults
from hydranet.errors import PatchError
from hydranet.policy.constitution import Constitution, Effect

# A call tries candidates for as long as one run of the tests may take, but at least this long (seconds).
LEAST_SECONDS = 60.0
# A test that computes for longer than ten times the slowest that passes, and at least this long, hangs.
LEAST_CPU_SECONDS = 0.2
# What starting the interpreter and collecting may take besides the tests themselves.
START_SECONDS = 5.0

# For how long others are tried after one that passes: the first is not always the best.
MORE_SECONDS = 5.0

_HUNG = "TimeoutError: timed out after"
# How many of the others that pass are named, and how much of each.
_TOLD, _TOLD_CHARACTERS = 2, 90

_TEST_FOLDERS = {"test", "tests"}
_SETTINGS = {"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini"}
_SHARED_SETTINGS = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]"}


@dataclass(frozen=True)
class TargetTests:
    """What a candidate has to reach: the tests that failed at the base, and those that passed and have to go on."""

    failing: tuple[TestResult, ...]
    passing: tuple[TestResult, ...]

    @classmethod
    def of(cls, baseline: TestResults) -> TargetTests:
        """The target that the tests at the base commit set."""
        return cls(
            failing=tuple(filter(is_failing, baseline.tests)),
            passing=tuple(test for test in baseline.tests if test.outcome == "passed"),
        )


class Protection:
    """The files that a candidate may not touch: the tests, what belongs to them, and what the constitution keeps.

    `paths` are the files of the repository, `read` gives the text of one. Protected are the files of
    failing tests; everything in the folder named test or tests that such a file is in, for fixtures and
    expected values lie there; conftest.py and pytest's own settings files wherever they are, also new
    ones; pyproject.toml and setup.cfg when they hold settings of pytest; and what `rules` do not let a run write,
    since nobody is there to be asked.
    """

    def __init__(
        self, target: TargetTests, paths: Sequence[str], read: Callable[[str], str | None], rules: Constitution
    ) -> None:
        self._rules = rules
        names = {test.id.split("::", 1)[0] for test in target.failing}
        # Ids are relative to pytest's root, which need not be the repository's.
        files = {path for path in paths if any(path == name or path.endswith(f"/{name}") for name in names)}
        # Of a command that names no tests, whatever looks like one counts.
        files = files or {path for path in paths if is_test_file(path)}
        self._folders = {folder for file in files if (folder := _test_folder(file))}
        shared = {path for path, mark in _SHARED_SETTINGS.items() if path in paths and mark in (read(path) or "")}
        self.paths = files | shared | {path for path in paths if self._covers(path)}

    def refuse(self, changed: Iterable[str]) -> None:
        """Raise PatchError when one of the changed paths is protected, whether it exists or not."""
        for path in changed:
            if path in self.paths or self._covers(path):
                raise PatchError(f"The patch changes {path}, which belongs to the tests.")
            decision = self._rules.decide("write", path)
            if decision.effect is not Effect.ALLOWED:
                raise PatchError(f"The constitution keeps {path} (rule {decision.rule}): {decision.reason}")

    def _covers(self, path: str) -> bool:
        if PurePosixPath(path).name in _SETTINGS:
            return True
        return any(path.startswith(f"{folder}/") for folder in self._folders)


def _test_folder(path: str) -> str:
    """The outermost folder named test or tests that `path` is in, empty when there is none."""
    parts = PurePosixPath(path).parts[:-1]
    for number, part in enumerate(parts, start=1):
        if part in _TEST_FOLDERS:
            return "/".join(parts[:number])
    return ""


@dataclass(frozen=True)
class Run:
    """One run of a candidate; not `whole` when it ended with the target tests."""

    index: int
    recorded: RecordedTests
    execution: Execution
    whole: bool = True


@dataclass(frozen=True)
class Tried:
    """A candidate that ran: its number, what it still breaks and all that ran."""

    index: int
    failing: int
    tests: TestResults
    report: TestReport


def parse_changes(
    candidates: Sequence[Candidate], protection: Protection, read: Callable[[str], str | None]
) -> tuple[dict[int, dict[str, str | None]], dict[int, str]]:
    """By number: the files that a candidate changes, or why it is refused."""
    usable: dict[int, dict[str, str | None]] = {}
    refused: dict[int, str] = {}
    for index, candidate in enumerate(candidates):
        try:
            patches.check_diff(candidate.diff, protection.paths)
            changed = patches.apply_diff(candidate.diff, read)
            protection.refuse(changed)
        except PatchError as error:
            refused[index] = str(error)
        else:
            usable[index] = changed
    return usable, refused


async def try_all(bench: TestBench, target: TargetTests, usable: dict[int, dict[str, str | None]]) -> list[Tried]:
    """Try candidates in their order until the time is up; soon after one that passes everything."""
    seconds = max(LEAST_SECONDS, bench.spec.test_timeout)
    command = parse_pytest_command(bench.spec.test_command)
    by_tests = all(test.id != bench.spec.test_command for test in target.failing)
    if command is not None and by_tests:
        return await _try_warm(bench, target, usable, command, seconds)
    return await _try_anew(bench, target, usable, seconds)


async def _try_warm(
    bench: TestBench,
    target: TargetTests,
    usable: dict[int, dict[str, str | None]],
    command: PytestCommand,
    seconds: float,
) -> list[Tried]:
    """Try candidates in one sandbox, forked from a warm interpreter."""
    spec = bench.spec
    usual = max(LEAST_CPU_SECONDS, 10 * find_slowest(target.passing))
    # Whoever fails another test need not hang again in these.
    hanging = [test for test in target.failing if _HUNG in test.message]
    taken = sum(test.seconds for test in (*target.failing, *target.passing))
    request = {
        "arguments": command.arguments,
        "path": command.path,
        "targets": [test.id for test in target.failing if test not in hanging],
        "hanging": [test.id for test in hanging],
        "expected": [test.id for test in target.passing],
        "test_seconds": min(3 * usual, estimate_seconds(spec)),
        "cpu_seconds": min(usual, estimate_seconds(spec)),
        "target_seconds": min(spec.test_timeout, START_SECONDS + 3 * taken),
        "all_seconds": spec.test_timeout,
        "seconds": seconds,
        "more_seconds": MORE_SECONDS,
    }
    given = (json.dumps({"index": index, "changes": changed}) for index, changed in usable.items())
    lines, execution = await bench.run(
        ("python3", "-P", "-m", "hydra_inside.trials"),
        plugin=None,
        inputs={"trials.json": json.dumps(request), "candidates.jsonl": "\n".join(given)},
        env=command.env,
        # It ends itself; the sandbox ends it when it cannot.
        seconds=seconds + START_SECONDS,
    )
    # The last run of a candidate tells the most.
    runs = {run.index: run for run in _runs(lines, set(usable))}
    if not runs:
        # Not even the first ended, whatever it did: it is the one that failed.
        first = next(iter(usable))
        return [_tried(Run(first, RecordedTests(), execution), target, spec.test_command)]
    return [_tried(run, target, spec.test_command) for run in runs.values()]


async def _try_anew(
    bench: TestBench, target: TargetTests, usable: dict[int, dict[str, str | None]], seconds: float
) -> list[Tried]:
    """Try candidates each in a sandbox of its own, with the whole test command."""
    deadline = time.monotonic() + seconds
    tried: list[Tried] = []
    command = ("python3", "-P", "-m", "hydra_inside.patched", *make_shell_command(bench.spec.test_command))
    for index, changed in usable.items():
        lines, execution = await bench.run(command, inputs={"changes.json": json.dumps(changed)})
        tried.append(_tried(Run(index, RecordedTests.of(lines), execution), target, bench.spec.test_command))
        if not tried[-1].failing or time.monotonic() > deadline:
            break
    return tried


def _runs(lines: list[dict[str, Any]], known: set[int]) -> Iterator[Run]:
    """The runs that a warm interpreter recorded."""
    starts = [number for number, line in enumerate(lines) if line.get("kind") == "candidate"]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        head = lines[start]
        index, reason = head.get("index"), head.get("reason")
        if type(index) is not int or index not in known or not isinstance(reason, str):
            continue
        recorded = RecordedTests.of(lines[start + 1 : end])
        seconds = sum(test.seconds for test in recorded.tests.values())
        status = 1 if recorded.status is None else recorded.status
        execution = Execution(status, "", reason=reason[:200], seconds=seconds)
        yield Run(index, recorded, execution, whole=head.get("stage") == "all")


def _tried(run: Run, target: TargetTests, command: str) -> Tried:
    """Judge a run: a wanted test that did not pass counts as failing, whatever it did instead."""
    execution = run.execution
    found = build_results(run.recorded, execution, command)
    ran = {test.id: test for test in found.tests}
    passed = {test.id for test in found.tests if test.outcome == "passed"}
    # A file that could not be collected passes with its tests, the command with its exit status.
    passed |= {test.split("::", 1)[0] for test in passed}
    if not any(map(is_failing, found.tests)):
        passed.add(command)
    wanted = [*target.failing, *(target.passing if run.whole else ())]
    lost = {
        test.id: TestResult(id=test.id, outcome="error", message=_absence(ran.get(test.id), execution))
        for test in wanted
        if test.id not in passed and (test.id not in ran or not is_failing(ran[test.id]))
    }
    # The command stands for tests that nobody knows; here they are known by name.
    left_out = {command, *lost} if lost else set()
    kept = (test for test in found.tests if test.id not in left_out)
    judged = found.model_copy(update={"tests": (*kept, *lost.values())})
    told = build_report(judged, run.recorded, execution)
    return Tried(run.index, sum(map(is_failing, judged.tests)), judged, told)


def _absence(test: TestResult | None, execution: Execution) -> str:
    if test is not None:
        return "The test is skipped now."
    return f"The test did not run: {describe_ending(execution)}."


def choose_best(tried: Sequence[Tried], candidates: Sequence[Candidate]) -> Tried:
    """The candidate with the fewest failing tests; of several that pass the simplest, else the earliest."""

    def place(one: Tried) -> tuple[int, int, int]:
        return one.failing, 0 if one.failing else measure_cost(candidates[one.index].diff), one.index

    return min(tried, key=place)


def _end(told: str) -> str:
    """The end of a title, which says what the code becomes."""
    return told if len(told) <= _TOLD_CHARACTERS else f"…{told[1 - _TOLD_CHARACTERS :]}"


def make_title(winner: Tried, tried: Sequence[Tried], candidates: Sequence[Candidate]) -> str:
    """What the winner does, and which others pass too: then the tests do not tell which one is right."""
    own = candidates[winner.index].title
    others = [candidates[one.index].title for one in tried if not one.failing and one is not winner]
    if winner.failing or not others:
        return own
    count = "1 other candidate passes" if len(others) == 1 else f"{len(others)} other candidates pass"
    return f"{own} ({count} too: {'; '.join(map(_end, others[:_TOLD]))})"
