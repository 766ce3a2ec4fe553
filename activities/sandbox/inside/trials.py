"""The trials of candidates: each is applied to the work tree, its tests run in forked processes, and it is judged.

A fork server (`fork_server` for pytest, `unittest_fork_server`, `django_fork_server`) says how a child runs tests.

Reads /inputs/trials.json: `arguments` (of the test runner), `path` (entries for sys.path), `targets` (the tests that
must pass first), `hanging` (those that must pass next), `expected` (those that must pass too), `known` (what cannot
pass here and is left out: tests, and files that cannot be collected), the limits `test_seconds` and `cpu_seconds` (of
one test), `target_seconds` (of the targets), `all_seconds` (of all tests) and `seconds` (of everything), `more_seconds`
(for other candidates once one has passed), `stops` (whether the targets end with the first that fails), `canary`
(whether it must have run), and `ends_badly` (whether a session does at the base commit although no test fails).
Reads /inputs/candidates.jsonl: per line `index` and `changes` (the text by path, null for a removed file).

Appends to /results, per candidate, a line `candidate` followed by the lines of its recorder. When no candidate passes,
the best runs once more, with tracebacks. Of many that fail as many tests, the best is the first one with the commonest
failure.
"""

from __future__ import annotations

import gc
import importlib.util
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .forks import kill_others, run_forked, silence
from .runner_integrity import RunnerState
from .seal import Seal, take_seal
from .test_names import list_implied
from .work_tree import WORK, WorkTreeState, apply_changes

# From so many equals on, the commonest failure says what a batch comes to: one odd edit can break something else. The
# few draws of a model differ in more than an edit, and the first of them counts.
_MANY = 10
# The largest time that bytecode can name, in seconds since 1970: no file of a checkout is as new.
_LATEST = (1 << 32) - 1
# Of the time, what candidates are ruled out in; what takes an import comes after it.
_RULING_SHARE = 0.75
# The host reads lines of at most 200,000 characters.
_TESTS_OF_LINE = 50

Candidate = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class TestSession:
    """One test run of a candidate in a forked child: the tests in `only`, or all when that is None.

    It writes to the descriptor `results` with a `seal` of its own. `brief` leaves out tracebacks, which take longer to
    make than most tests take.
    """

    results: int
    seal: Seal
    request: dict[str, Any]
    only: list[str] | None
    brief: bool

    @property
    def stops(self) -> bool:
        """Whether it ends with the first test that fails."""
        return self.brief and self.only is not None and bool(self.request["stops"])


Child = Callable[[TestSession], NoReturn]
FindChild = Callable[[Candidate], Child | None]


class Trials:
    """The candidates left to try, the tests they have to pass and the time left."""

    def __init__(self) -> None:
        inputs = Path("/inputs")
        request = json.loads((inputs / "trials.json").read_text())
        with (inputs / "candidates.jsonl").open() as lines:
            candidates = [json.loads(line) for line in lines]
        results = os.open("/results", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self.request = request
        self._seal = take_seal(results)
        self._forks = 0
        self.runner_state = RunnerState()
        self.left = self._all = candidates
        self._passed = False
        self._results = results
        self._deadline = time.monotonic() + request["seconds"]
        self._fewest_failing: int | None = None
        # By failure: how many of the best candidates end with it, and the first of them, None when it was killed.
        self._failures: dict[str, tuple[int, int | None]] = {}
        self.remember_work_tree()

    def remember_work_tree(self) -> None:
        """Take the work tree as it is now for the state to which every candidate restores it."""
        self._state = WorkTreeState()

    def try_suitable(self, find_child: FindChild) -> None:
        """Try until the time is up the candidates that have a child, with which forks go on; then the best again."""
        skipped = []
        for number, candidate in enumerate(self.left):
            if time.monotonic() > self._deadline:
                skipped += self.left[number:]
                break
            if child := find_child(candidate):
                self._try(candidate, child)
            else:
                skipped.append(candidate)
        self.left = skipped
        self._rerun_best(find_child)

    def dump(self) -> bytes:
        """Return what another process needs to go on."""
        left = [candidate["index"] for candidate in self.left]
        return json.dumps([left, self._passed, self._deadline, self._fewest_failing, self._failures]).encode()

    def load(self, dumped: bytes) -> None:
        """Go on where another process stopped."""
        left, self._passed, self._deadline, self._fewest_failing, self._failures = json.loads(dumped)
        indices = set(left)
        self.left = [candidate for candidate in self.left if candidate["index"] in indices]

    def rule_out(self, find_child: FindChild) -> None:
        """Try the targets alone, and leave the candidates that pass them, with those that have no child.

        It leaves others a part of the time, and ends soon after the first that passes.
        """
        now = time.monotonic()
        deadline = now + _RULING_SHARE * (self._deadline - now)
        left = []
        for number, candidate in enumerate(self.left):
            if time.monotonic() > deadline:
                left += self.left[number:]
                break
            child = find_child(candidate)
            if child is None:
                left.append(candidate)
            elif not self._try(candidate, child, only_targets=True):
                left.append(candidate)
                deadline = min(deadline, time.monotonic() + self.request["more_seconds"])
        self.left = left
        self._rerun_best(find_child, only_targets=True)

    @property
    def are_over(self) -> bool:
        """Whether no candidate is left, and none has to run once more."""
        return not self.left and self._find_best() is None

    def _rerun_best(self, find_child: FindChild, *, only_targets: bool = False) -> None:
        """Run the best candidate once more, with tracebacks, when all were tried and none has passed."""
        best = None if self.left else self._find_best()
        if best is not None and (child := find_child(best)):
            # The process that comes next is not to run it again.
            self._failures = {}
            self._try(best, child, brief=False, only_targets=only_targets)

    def _find_best(self) -> Candidate | None:
        failures = list(self._failures.values())
        are_many = sum(count for count, _ in failures) >= _MANY
        best = max(failures, key=lambda failure: failure[0]) if are_many else next(iter(failures), (0, None))
        return next((each for each in self._all if each["index"] == best[1] and not self._passed), None)

    # A forked child leaves the following functions by an exception: they may not catch it or clean up after it.

    def _try(self, candidate: Candidate, child: Child, *, brief: bool = True, only_targets: bool = False) -> bool:
        """Run the tests with a candidate and record what came of it; nothing where it passes targets alone."""
        changes = candidate["changes"]
        records: list[Record] = []
        stage, failing = "targets", len(self.request["targets"]) + len(self.request["hanging"])
        reason = _apply(changes)
        if any(text is None or not os.path.lexists(f"/tree/{path}") for path, text in changes.items()):
            importlib.invalidate_caches()
        if not reason:
            stage, records, reason, failing = self._run_tests(child, brief, only_targets=only_targets)
        self._state.restore()
        if only_targets and stage == "all":
            return False
        if self._fewest_failing is None or failing < self._fewest_failing:
            self._fewest_failing, self._failures = failing, {}
        if brief and failing == self._fewest_failing:
            failure = reason or _find_failure(records)
            # A candidate that had to be killed would record no more the second time.
            count, first = self._failures.get(failure, (0, None if reason else candidate["index"]))
            self._failures[failure] = count + 1, first
        head = {"kind": "candidate", "index": candidate["index"], "stage": stage, "reason": reason, "brief": brief}
        lines = b"".join(map(self._seal.wrap, [head, *shorten_records(records)]))
        while lines:
            lines = lines[os.write(self._results, lines) :]
        return True

    def _run_tests(self, child: Child, brief: bool, *, only_targets: bool) -> tuple[str, list[Record], str, int]:
        """Return the last stage, its records, why a child was killed, and how many of the tests did not pass.

        The cheap tests run first, so that most candidates fail early: the targets, those that hung, then all.
        """
        request = self.request
        targets = {*request["targets"], *request["hanging"]}
        records: list[Record] = []
        for tests in filter(None, (request["targets"], [] if only_targets else request["hanging"])):
            more, reason = self._fork(child, tests, request["target_seconds"], brief)
            records += more
            failing = len(targets - _list_passed(records))
            if reason or set(tests) - _list_passed(more):
                return "targets", records, reason, failing
        if only_targets:
            return "all", [], "", 0
        records, reason = self._fork(child, None, request["all_seconds"], brief)
        failing = len((targets | set(request["expected"])) - _list_passed(records))
        endings = [record.get("status") for record in records if record.get("kind") == "finish"]
        clean = 0 in endings or (bool(endings) and self.request["ends_badly"])
        if not failing and self.request["canary"] and not _is_canary_dead(records):
            # Nothing that this candidate says is believed.
            failing = len(targets)
        if not reason and clean and not failing and not self._passed:
            self._passed = True
            self._deadline = min(self._deadline, time.monotonic() + self.request["more_seconds"])
        return "all", records, reason, failing

    def _fork(self, child: Child, only: list[str] | None, seconds: float, brief: bool) -> tuple[list[Record], str]:
        seconds = min(seconds, max(1.0, self._deadline - time.monotonic()))
        # A seal of its own, so that no child can repeat what another has recorded.
        self._forks += 1
        seal = self._seal.derive(f"{os.getpid()} {self._forks}")
        written, reason = run_forked(
            lambda descriptor: child(TestSession(descriptor, seal, self.request, only, brief)), seconds
        )
        return _parse(written, seal), reason


def shorten_records(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records with the tests that passed in few lines, and without the beginnings of those that ended.

    A suite may have tens of thousands of tests, and many candidates run all of them.
    """
    ended = {str(record.get("id")) for record in records if record.get("kind") == "test"}
    passed: list[tuple[str, Any]] = []
    others = []
    for record in records:
        test = str(record.get("id"))
        if record.get("kind") == "test" and record.get("outcome") == "passed":
            passed.append((test, record.get("seconds")))
        elif record.get("kind") != "start" or test not in ended:
            others.append(record)
    lines = (passed[start : start + _TESTS_OF_LINE] for start in range(0, len(passed), _TESTS_OF_LINE))
    return [*({"kind": "passed", "tests": tests} for tests in lines), *others]


def try_late(trials: Trials, run_session: Callable[[int], object]) -> None:
    """Try candidates in a forked session that has loaded code of the repository; the others are left.

    `run_session` goes on with a descriptor for what `Trials.dump` returns. A session that hangs is ended.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        silence()
        # Until the session is ready to be forked, which turns the alarm off.
        signal.alarm(int(trials.request["target_seconds"]) + 1)
        run_session(writing)
        os._exit(1)
    os.close(writing)
    os.waitpid(pid, 0)
    kill_others()
    with os.fdopen(reading, "rb") as file:
        dumped = file.read()
    # Without a report the session broke; all candidates are still left.
    if dumped:
        trials.load(dumped)


def warm_up() -> None:
    """Do once what every child would do again."""
    # Fill the caches that every child would fill again: the folders on sys.path, and modules by their files.
    importlib.util.find_spec("hydra_inside_nowhere")
    inspect.getmodule(warm_up.__code__)
    # The children's garbage collector leaves frozen objects alone, so their pages stay shared.
    gc.collect()
    gc.freeze()


def _apply(changes: dict[str, str | None]) -> str:
    try:
        apply_changes(changes)
        # Bytecode matches any source of the same time and size, so a changed source needs a time of its own.
        for name in (name for name, text in changes.items() if text is not None):
            os.utime(WORK / name, (_LATEST, _LATEST))
    except OSError as error:
        return f"its files cannot be written: {error.strerror}"
    return ""


def list_loaded() -> set[str]:
    """Return the files of the repository that this process has loaded as modules."""
    files = {os.path.realpath(getattr(module, "__file__", None) or "/") for module in list(sys.modules.values())}
    return {file.removeprefix("/work/") for file in files if file.startswith("/work/")}


def is_unread(candidate: Candidate, loaded: set[str]) -> bool:
    """Return whether this process, which has loaded some files, has read nothing that a candidate changes."""
    # Any file but a Python module, such as data, may have been read without a trace.
    return all(path.endswith(".py") and path not in loaded for path in candidate["changes"])


def _parse(data: bytes, seal: Seal) -> list[Record]:
    records = []
    for line in data.splitlines():
        # What a candidate wrote itself has no seal.
        content = seal.unwrap(line)
        if content is None:
            continue
        try:
            record = json.loads(content)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records += seal.mark_canary(record)
    return records


def _is_canary_dead(records: list[Record]) -> bool:
    outcomes = [record.get("outcome") for record in records if record.get("kind") == "canary"]
    return bool(outcomes) and set(outcomes) <= {"failed", "error"}


def _find_failure(records: list[Record]) -> str:
    # The report is about the first failing test by name.
    failing = [r for r in records if r.get("kind") == "test" and r.get("outcome") in ("failed", "error")]
    return str(min(failing, key=lambda r: str(r.get("id"))).get("message")) if failing else ""


def _list_passed(records: list[Record]) -> set[str]:
    outcomes = {str(r.get("id")): r.get("outcome") for r in records if r.get("kind") == "test"}
    passed = [test for test, outcome in outcomes.items() if outcome == "passed"]
    failed = {test for test, outcome in outcomes.items() if outcome in ("failed", "error")}
    return {implied for test in passed for implied in (test, *list_implied(test))} - failed
