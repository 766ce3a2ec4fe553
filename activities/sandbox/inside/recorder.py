"""Records every test as a line of JSON and ends tests that hang."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from .clock import limited

MESSAGE_LIMIT = 8_000
MESSAGES_LIMIT = 16_000_000


class Recorder:
    """A pytest plugin that writes one line per event to the open file `results`, at once: a crash loses nothing.

    No phase of a test may take longer than `test_seconds`, nor compute longer than `cpu_seconds` unless
    that is 0. After one test has hung the others hang most likely too and get less: half a second, but at
    least four times the slowest test that passed.
    """

    def __init__(self, results: int, test_seconds: float, cpu_seconds: float = 0.0) -> None:
        self._results = results
        self._room = MESSAGES_LIMIT
        self._test_seconds = test_seconds
        self._cpu_seconds = cpu_seconds
        self._slowest = 0.0
        self._hung = False
        # Several at once: pytest-xdist interleaves the tests of its workers.
        self._running: dict[str, dict[str, Any]] = {}

    # --- how long a test may take ------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Bound the setup of a test."""
        yield from self._bounded(item)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Bound the test."""
        yield from self._bounded(item)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """Bound the teardown of a test."""
        yield from self._bounded(item)

    def _bounded(self, item: pytest.Item) -> Iterator[None]:
        less = max(0.5, 4 * self._slowest)
        seconds = min(self._test_seconds, less) if self._hung else self._test_seconds
        with limited(seconds, self._cpu_seconds) as rung:
            yield
        if rung:
            self._hung = True
            self.hung(item)

    def hung(self, item: pytest.Item) -> None:
        """Called when a test was ended by the clock."""

    # --- what happened -----------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are, so that those that never ran can be counted."""
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
        """Record that a test began: one that ends the interpreter leaves this line and no other."""
        begun = {"kind": "test", "id": nodeid, "outcome": "skipped", "seconds": 0.0, "message": ""}
        self._running[nodeid] = begun
        self.write({"kind": "start", "id": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Fold the report of one phase into the test's outcome; the worst counts."""
        seen = self._running.get(report.nodeid)
        if seen is None:
            return
        seen["seconds"] += report.duration
        if report.failed and seen["outcome"] not in ("failed", "error"):
            seen["outcome"] = "failed" if report.when == "call" else "error"
            seen["message"] = report.longreprtext[-MESSAGE_LIMIT:]
        elif report.passed and report.when == "call" and seen["outcome"] == "skipped":
            seen["outcome"] = "passed"
            self._slowest = max(self._slowest, report.duration)
        elif report.skipped and not seen["message"]:
            seen["message"] = str(getattr(report, "wasxfail", report.longreprtext))[-MESSAGE_LIMIT:]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Record the test."""
        if seen := self._running.pop(nodeid, None):
            self.write(seen)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Record an error of pytest's own."""
        self.write({"kind": "internal", "message": str(excrepr)[-MESSAGE_LIMIT:]})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record the end."""
        self.write({"kind": "finish", "status": int(exitstatus)})

    def write(self, record: dict[str, Any]) -> None:
        """Append one line; messages are left out when there have been too many."""
        self._room -= len(record.get("message", ""))
        if self._room < 0 and "message" in record:
            record = {**record, "message": ""}
        line = json.dumps(record).encode() + b"\n"
        while line:
            line = line[os.write(self._results, line) :]


class Alone:
    """A pytest plugin that keeps the session to one process and its tracer to us."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Iterator[None]:
        """Turn pytest-cov off."""
        without_pytest_cov(early_config)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Iterator[None]:
        """Turn pytest-xdist off."""
        if hasattr(config.option, "numprocesses"):
            config.option.numprocesses = None
            config.option.dist = "no"
            config.option.tx = []
        yield


def without_pytest_cov(early_config: Any) -> None:
    """Turn pytest-cov off, whose tracer would replace ours or only cost time."""
    options = early_config.known_args_namespace
    if hasattr(options, "no_cov"):
        options.no_cov = True
