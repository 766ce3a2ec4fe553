"""The records of a session of unittest: each test when it has ended, and the canary after all."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import traceback
import unittest
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from .assertions import accepts_anything, list_unittest_checks
from .runner_integrity import RunnerState
from .seal import Seal, take_seal
from .test_names import list_implied
from .timeouts import limit_time

MESSAGE_LIMIT = 8_000
# What stands for a module that cannot be imported.
_UNLOADED = "unittest.loader._FailedTest."
# Of what stands for a class or module whose set-up failed.
_HOLDER = re.compile(r"(\w+) \(([\w.]+)\)")
# The rank of a suite without tests.
_LAST = sys.maxsize
_SEVERITY = ("skipped", "passed", "failed", "error")


class Records:
    """The sealed records of one session, with the limits of one test in seconds."""

    # Whether tracebacks are left out, whether the canary is after a failure, whether the first failure ends all,
    # and whether the time is up.
    brief = only_passing = stops = is_over = False

    def __init__(
        self, results: int, seal: Seal, state: RunnerState, test_seconds: float, cpu_seconds: float = 0.0
    ) -> None:
        self._results = results
        self.seal = seal
        self._state = state
        self._limits = test_seconds, cpu_seconds

    def limit_time(self) -> AbstractContextManager[list[float]]:
        """Return the limit of one test."""
        return limit_time(*self._limits)

    def write(self, record: dict[str, Any]) -> None:
        """Append a record."""
        line = self.seal.wrap(record)
        while line:
            line = line[os.write(self._results, line) :]

    def select(self, test: unittest.TestSuite | unittest.TestCase) -> None:
        """Leave out the tests that are not wanted: here none."""

    def begin_test(self, name: str) -> None:
        """React to a test that begins."""

    def end_test(self, name: str) -> None:
        """React to a test that has ended."""

    def handle_timeout(self, result: unittest.TestResult) -> None:
        """React to a test that hung."""

    def finish(self, passed: bool) -> None:
        """Run the canary as the tests are run, and end the session."""
        if passed or not self.only_passing:
            self.run_canary()
        self.write({"kind": "finish", "status": 0 if passed else 1})

    def run_canary(self) -> None:
        """Run the canary, and record what has been replaced in the runner."""
        kind = type(self.seal.canary, (unittest.TestCase,), {self.seal.canary: _fail_as_it_must})
        # Nobody is to read about it.
        silence: Any = _Silence()
        result = RecordingResult(silence, descriptions=False, verbosity=0)
        unittest.TestSuite([kind(self.seal.canary)])(result)
        for name in self._state.list_replaced():
            self.write({"kind": "replaced", "name": name})


class SessionRecords(Records):
    """The records of a whole command, which leave the next session of the command its seal."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._hand_over = bool(settings.get("hand_over"))
        results = os.open(settings["results"], os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        super().__init__(
            results, take_seal(results), RunnerState(), settings["test_seconds"], settings.get("cpu_seconds", 0.0)
        )
        self._left_out = set(json.loads(Path(settings["leave_out"]).read_text())) if "leave_out" in settings else set()

    def select(self, test: unittest.TestSuite | unittest.TestCase) -> None:
        """Leave out the tests that are not to run, and record them."""
        if self._left_out and isinstance(test, unittest.BaseTestSuite):
            select_tests(test, self._is_kept)

    def _is_kept(self, name: str) -> bool:
        # A set-up that failed would fail again, so its tests are left out as well.
        failed = list_implied(name) & self._left_out
        for left_out in failed | {name} if failed else ():
            self.write({"kind": "left out", "id": left_out})
        return not failed

    def finish(self, passed: bool) -> None:
        """End the session."""
        super().finish(passed)
        if self._hand_over:
            self.seal.write_for_next(self._results)


class RecordingResult(unittest.TextTestResult):
    """A result that records every test when it has ended."""

    records: Records
    _test: dict[str, Any] | None = None
    _began = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limit = ExitStack()
        self._exceeded: list[float] = []

    def startTest(self, test: unittest.TestCase) -> None:
        """Record that a test began, and limit its time."""
        super().startTest(test)
        self._began = time.monotonic()
        self._test = {"kind": "test", "id": name_test(test), "outcome": "skipped", "message": ""}
        self.records.write({"kind": "start", "id": name_test(test)})
        self.records.begin_test(name_test(test))
        if self.records.is_over:
            # This test is the last one.
            self.stop()
        self._exceeded = self._limit.enter_context(self.records.limit_time())

    def stopTest(self, test: unittest.TestCase) -> None:
        """Record how a test ended."""
        self._limit.close()
        self.records.end_test(name_test(test))
        super().stopTest(test)
        if self._test is not None:
            self.records.write({**self._test, "seconds": time.monotonic() - self._began})
        self._test = None

    def addSuccess(self, test: unittest.TestCase) -> None:
        """Take down a test that passed."""
        super().addSuccess(test)
        self._fold(test, "passed")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """Take down a test that failed."""
        self._end_limit()
        super().addFailure(test, err)
        self._fold(test, "failed", self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        """Take down a test that raised."""
        self._end_limit()
        super().addError(test, err)
        self._fold(test, "error", self.errors[-1][1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """Take down a test that was skipped."""
        super().addSkip(test, reason)
        self._fold(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        """Take down a test that failed as it should."""
        super().addExpectedFailure(test, err)
        self._fold(test, "passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """Take down a test that passed and should not."""
        super().addUnexpectedSuccess(test)
        self._fold(test, "failed", "Unexpected success")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        """Take down a part of a test that failed; its other parts do not hide it."""
        if err is not None:
            self._end_limit()
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._fold(test, "failed" if failed else "error", (self.failures if failed else self.errors)[-1][1])

    def _end_limit(self) -> None:
        # The limit would strike again while the failure is taken down, outside of the test.
        if self._exceeded:
            self._limit.close()
            self._exceeded = []
            self.records.handle_timeout(self)

    def _exc_info_to_string(self, err: Any, test: unittest.TestCase) -> str:
        if self.records.brief:
            return "".join(traceback.format_exception_only(err[0], err[1]))
        return str(super()._exc_info_to_string(err, test))  # type: ignore[misc]

    def _fold(self, test: unittest.TestCase, outcome: str, message: str = "") -> None:
        if self._test is None:
            record = {"kind": "test", "id": name_test(test), "outcome": outcome, "message": message[-MESSAGE_LIMIT:]}
            self.records.write(record)
        elif _SEVERITY.index(outcome) >= _SEVERITY.index(self._test["outcome"]):
            self._test |= {"outcome": outcome, "message": message[-MESSAGE_LIMIT:]}


class _Silence:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def name_test(test: unittest.TestCase) -> str:
    """Return the name of a test, or of what stands for one."""
    name = test.id().removeprefix(_UNLOADED)
    holder = _HOLDER.fullmatch(name)
    return f"{holder[2]}.{holder[1]}" if holder else name


def select_tests(suite: unittest.BaseTestSuite, is_selected: Callable[[str], bool]) -> bool:
    """Leave only the selected tests in a suite, and return whether there are any."""
    # In place, since a suite may be of a class of its own.
    kept: list[Any] = []
    for test in suite:
        if (
            select_tests(test, is_selected)
            if isinstance(test, unittest.BaseTestSuite)
            else is_selected(name_test(test))
        ):
            kept.append(test)
    suite._tests = kept
    return bool(kept)


def sort_tests(suite: unittest.BaseTestSuite, rank: Callable[[str], int]) -> int:
    """Sort a suite by the ranks of its tests' names, those of a nested suite by its least, and return the least."""
    tests: list[Any] = list(suite)
    ranked = [
        (sort_tests(test, rank) if isinstance(test, unittest.BaseTestSuite) else rank(name_test(test)), test)
        for test in tests
    ]
    suite._tests = [test for _, test in sorted(ranked, key=lambda pair: pair[0])]
    return min((least for least, _ in ranked), default=_LAST)


def _fail_as_it_must(self: unittest.TestCase) -> None:
    if not accepts_anything(list_unittest_checks()):
        assert self.id() == ""
