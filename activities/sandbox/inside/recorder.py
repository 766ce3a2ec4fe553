"""The recorder of test outcomes: writes one JSON line per event and ends tests that hang."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from .seal import Seal
from .timeouts import limit_time

# Characters of one test's message and of all messages, so that a run with many failures stays readable for the host.
MESSAGE_LIMIT = 8_000
MESSAGES_LIMIT = 16_000_000
# Once a test has hung, the others get this many times the slowest that passed, and at least this many seconds.
_HUNG_FACTOR, _HUNG_SECONDS = 4, 0.5


class Recorder:
    """A pytest plugin that writes every event to the open file `results` at once, so that a crash loses nothing.

    Every line has the `seal`, without which nobody believes it.

    No phase of a test (setup, call, teardown) may take longer than `test_seconds`, nor compute longer than
    `cpu_seconds` unless that is 0. After a test has hung, the others get less: they most likely hang too.
    """

    def __init__(self, results: int, seal: Seal, test_seconds: float, cpu_seconds: float = 0.0) -> None:
        self._results = results
        self.seal = seal
        self._room = MESSAGES_LIMIT
        self._test_seconds = test_seconds
        self._cpu_seconds = cpu_seconds
        self._slowest = 0.0
        self._hung = False
        # Several at once: pytest-xdist interleaves the tests of its workers.
        self._running: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Limit the setup of a test."""
        yield from self._limit(item)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Limit the test itself."""
        yield from self._limit(item)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """Limit the teardown of a test."""
        yield from self._limit(item)

    def _limit(self, item: pytest.Item) -> Iterator[None]:
        less = max(_HUNG_SECONDS, _HUNG_FACTOR * self._slowest)
        seconds = min(self._test_seconds, less) if self._hung else self._test_seconds
        with limit_time(seconds, self._cpu_seconds) as exceeded:
            yield
        if exceeded:
            self._hung = True
            self.handle_timeout(item)

    def handle_timeout(self, item: pytest.Item) -> None:
        """React to a test that hung."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the number of tests, so that those that never ran can be counted."""
        self.write({"kind": "collected", "count": len(session.items)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that cannot be collected as a test that fails."""
        if report.failed:
            self.write(
                {
                    "kind": "test",
                    "id": report.nodeid or "collection",
                    "outcome": "error",
                    "seconds": 0.0,
                    "message": report.longreprtext[-MESSAGE_LIMIT:],
                }
            )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Record that a test began: of one that ends the interpreter this is the only line."""
        self._running[nodeid] = {"kind": "test", "id": nodeid, "outcome": "skipped", "seconds": 0.0, "message": ""}
        self.write({"kind": "start", "id": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Fold the report of one phase into the test's outcome: the worst counts."""
        test = self._running.get(report.nodeid)
        if test is None:
            return
        test["seconds"] += report.duration
        if report.failed and test["outcome"] not in ("failed", "error"):
            test["outcome"] = "failed" if report.when == "call" else "error"
            test["message"] = report.longreprtext[-MESSAGE_LIMIT:]
        elif report.passed and report.when == "call" and test["outcome"] == "skipped":
            test["outcome"] = "passed"
            self._slowest = max(self._slowest, report.duration)
        elif report.skipped and not test["message"]:
            test["message"] = str(getattr(report, "wasxfail", report.longreprtext))[-MESSAGE_LIMIT:]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Record the outcome of a test."""
        if test := self._running.pop(nodeid, None):
            self.write(test)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Record an internal error of pytest."""
        self.write({"kind": "internal", "message": str(excrepr)[-MESSAGE_LIMIT:]})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record the exit status of the session."""
        self.write({"kind": "finish", "status": int(exitstatus)})

    def write(self, record: dict[str, Any]) -> None:
        """Append one line, without its message when there have been too many."""
        self._room -= len(record.get("message", ""))
        if self._room < 0 and "message" in record:
            record = {**record, "message": ""}
        line = self.seal.wrap(record)
        while line:
            line = line[os.write(self._results, line) :]
