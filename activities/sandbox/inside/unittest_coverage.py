"""The coverage of a session of unittest, or of Django's tests."""

from __future__ import annotations

import json
import time
import unittest
from pathlib import Path
from typing import Any

from .coverage_tracer import CoverageTracer
from .unittest_records import SessionRecords, select_tests, sort_tests


class TracingRecords(SessionRecords):
    """The records of a session with coverage: failing tests run first, then those of their modules, then others."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        failing = json.loads(Path(settings["order"]).read_text())
        self._order = {test: number for number, test in enumerate(failing)}
        self._modules = {_name_module(test) for test in failing}
        self._only = settings["only"]
        self._seconds = settings["coverage_seconds"]
        self._deadline = float("inf")
        self._tracer = CoverageTracer(self._order, self.write)

    def select(self, test: unittest.TestSuite | unittest.TestCase) -> None:
        """Sort the tests, and leave out those of other files than the one that is wanted alone."""
        if isinstance(test, unittest.BaseTestSuite):
            if self._only:
                select_tests(test, self._is_wanted)
            sort_tests(test, self._rank)
        # Collecting does not count.
        self._deadline = time.monotonic() + self._seconds

    def _is_wanted(self, name: str) -> bool:
        # A module is named from the folder in which discovery began.
        file = self._only.removesuffix(".py").replace("/", ".")
        return f".{file}.".endswith(f".{_name_module(name)}.")

    def _rank(self, name: str) -> int:
        is_aside = _name_module(name) not in self._modules
        return self._order.get(name, len(self._order) + is_aside)

    @property
    def is_over(self) -> bool:  # type: ignore[override]
        """Whether the time for all tests is up."""
        return time.monotonic() > self._deadline

    def begin_test(self, name: str) -> None:
        """Attribute what is executed from now on to this test."""
        self._tracer.begin_test(name)

    def end_test(self, name: str) -> None:
        """Attribute what is executed from now on to no test."""
        self._tracer.end_test(name)

    def run_canary(self) -> None:
        """Run none: nothing is judged by such a session."""

    def finish(self, passed: bool) -> None:
        """Record the executed lines, and end the session."""
        self._tracer.finish()
        super().finish(passed)


def _name_module(test: str) -> str:
    """Return the module of a test, or of what stands for one that cannot be loaded."""
    names = test.split(".")
    return ".".join(names[:-2] if len(names) > 2 else names)
