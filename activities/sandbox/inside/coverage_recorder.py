"""The recorder of coverage in a session of pytest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest

from .coverage_tracer import CoverageTracer
from .recorder import Recorder
from .seal import Seal
from .test_names import file_of


class CoverageRecorder(Recorder):
    """A recorder with coverage: the tests in `order` run first, then those of the same files, then others.

    The session ends after `seconds`.
    """

    def __init__(
        self, results: int, seal: Seal, test_seconds: float, cpu_seconds: float, order: Sequence[str], seconds: float
    ) -> None:
        super().__init__(results, seal, test_seconds, cpu_seconds)
        self._order = {test: number for number, test in enumerate(order)}
        self._files = {file_of(test) for test in order}
        self._seconds = seconds
        self._deadline = float("inf")
        self._tracer = CoverageTracer(self._order, self.write)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests."""
        items.sort(key=self._rank)

    def _rank(self, item: pytest.Item) -> tuple[int, int]:
        if item.nodeid in self._order:
            return 0, self._order[item.nodeid]
        return (1 if file_of(item.nodeid) in self._files else 2), 0

    def pytest_runtestloop(self) -> None:
        """Start the clock: collecting does not count."""
        self._deadline = time.monotonic() + self._seconds

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Attribute what is executed from now on to this test, the last one when the time is up."""
        self._tracer.begin_test(item.nodeid)
        if time.monotonic() > self._deadline:
            item.session.shouldstop = "the time for coverage is over"
        yield
        self._tracer.end_test(item.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record the executed lines and the exit status of the session."""
        self._tracer.finish()
        super().pytest_sessionfinish(exitstatus)
