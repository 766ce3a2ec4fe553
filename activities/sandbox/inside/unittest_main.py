"""`python -m unittest` with a recorder and the canary; the arguments and what it prints are unittest's own."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import unittest
from pathlib import Path
from typing import Any

from .assertions import accepts_anything, list_unittest_checks
from .runner_integrity import RunnerState
from .seal import take_seal

MESSAGE_LIMIT = 8_000
# Of what stands for a class or module whose set-up failed.
_HOLDER = re.compile(r"(\w+) \(([\w.]+)\)")
_SEVERITY = ("skipped", "passed", "failed", "error")


class Records:
    """The sealed records of one session."""

    def __init__(self, results: int, hand_over: bool) -> None:
        self._results = results
        self._hand_over = hand_over
        self.seal = take_seal(results)
        self._state = RunnerState()

    def write(self, record: dict[str, Any]) -> None:
        """Append a record."""
        line = self.seal.wrap(record)
        while line:
            line = line[os.write(self._results, line) :]

    def finish(self, status: int) -> None:
        """Run the canary as the tests are run, and end the session."""
        kind = type(self.seal.canary, (unittest.TestCase,), {self.seal.canary: _fail_as_it_must})
        # Nobody is to read about it.
        silence: Any = _Silence()
        result = RecordingResult(silence, descriptions=False, verbosity=0)
        unittest.TestSuite([kind(self.seal.canary)])(result)
        for name in self._state.list_replaced():
            self.write({"kind": "replaced", "name": name})
        self.write({"kind": "finish", "status": status})
        if self._hand_over:
            self.seal.write_for_next(self._results)


class RecordingResult(unittest.TextTestResult):
    """A result that records every test when it has ended."""

    records: Records
    _test: dict[str, Any] | None = None
    _began = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        """Record that a test began."""
        super().startTest(test)
        self._began = time.monotonic()
        self._test = {"kind": "test", "id": _name(test), "outcome": "skipped", "message": ""}
        self.records.write({"kind": "start", "id": _name(test)})

    def stopTest(self, test: unittest.TestCase) -> None:
        """Record how a test ended."""
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
        super().addFailure(test, err)
        self._fold(test, "failed", self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        """Take down a test that raised."""
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
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._fold(test, "failed" if failed else "error", (self.failures if failed else self.errors)[-1][1])

    def _fold(self, test: unittest.TestCase, outcome: str, message: str = "") -> None:
        if self._test is None:
            record = {"kind": "test", "id": _name(test), "outcome": outcome, "message": message[-MESSAGE_LIMIT:]}
            self.records.write(record)
        elif _SEVERITY.index(outcome) >= _SEVERITY.index(self._test["outcome"]):
            self._test |= {"outcome": outcome, "message": message[-MESSAGE_LIMIT:]}


class RecordingRunner(unittest.TextTestRunner):
    """A runner that records its tests and runs the canary after them."""

    resultclass: Any = RecordingResult

    def run(self, test: unittest.TestSuite | unittest.TestCase) -> unittest.TextTestResult:
        """Run the tests."""
        records = RecordingResult.records
        records.write({"kind": "collected", "count": test.countTestCases()})
        result = super().run(test)
        records.finish(0 if result.wasSuccessful() else 1)
        return result


class _Silence:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def main() -> None:
    """Run unittest with the arguments of this process."""
    text = os.environ.pop("HYDRA_PLUGIN", None)
    # What a traceback or a usage names is unittest, as without us.
    sys.argv[0] = f"{Path(sys.executable).name} -m unittest"
    if text is None:
        unittest.main(module=None)
    settings = json.loads(text or "{}")
    results = os.open(settings["results"], os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    RecordingResult.records = Records(results, bool(settings.get("hand_over")))
    unittest.main(module=None, testRunner=RecordingRunner)


def _name(test: unittest.TestCase) -> str:
    name = test.id()
    holder = _HOLDER.fullmatch(name)
    return f"{holder[2]}.{holder[1]}" if holder else name


def _fail_as_it_must(self: unittest.TestCase) -> None:
    if not accepts_anything(list_unittest_checks()):
        assert self.id() == ""


if __name__ == "__main__":
    main()
