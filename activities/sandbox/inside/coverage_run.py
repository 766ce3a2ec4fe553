"""Measures which lines each test executes, and what conditions and results come out as."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence

import pytest
from coverage import Coverage  # type: ignore[import-not-found, unused-ignore]

from .predicates import Predicates
from .recorder import Recorder

WORK = "/work"

# A copy of `activities.code.test_files.TEST_FILE`, since nothing of ours can be imported here. A test compares them.
TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|__tests__)/|conftest\.py$|tests?\.\w+$|test_[^/]*\.\w+$|[^/]*_tests?\.\w+$"
    r"|[^/]*\.(?:test|spec)\.\w+$)"
)


class CoverageRecorder(Recorder):
    """Records with coverage.py, whose dynamic context is the test.

    The tests in `order` run first; others follow, those of the same files before the rest, until
    `seconds` are over. Only the lines of files below /work count, and not what importing executes.
    """

    def __init__(
        self, results: int, test_seconds: float, cpu_seconds: float, order: Sequence[str], seconds: float
    ) -> None:
        super().__init__(results, test_seconds, cpu_seconds)
        self._order = {test: number for number, test in enumerate(order)}
        self._files = {_file(test) for test in order}
        self._seconds = seconds
        self._deadline = float("inf")
        # The monitoring core of newer interpreters knows no contexts.
        os.environ["COVERAGE_CORE"] = "ctrace"
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{WORK}/*"], messages=False)
        self._coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured"])
        self._coverage.start()
        self._predicates = Predicates(_watched)
        # What failing tests saw, which come first; nothing else is worth telling of the others.
        self._telling: set[tuple[str, int, str]] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests."""
        items.sort(key=self._place)

    def _place(self, item: pytest.Item) -> tuple[int, int]:
        if item.nodeid in self._order:
            return 0, self._order[item.nodeid]
        return (1 if _file(item.nodeid) in self._files else 2), 0

    def pytest_runtestloop(self) -> None:
        """Begin to count the time."""
        self._deadline = time.monotonic() + self._seconds

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Attribute the lines executed from now on to this test; it is the last when the time is up."""
        self._coverage.switch_context(item.nodeid)
        self._predicates.take()
        if time.monotonic() > self._deadline:
            item.session.shouldstop = "the time for coverage is over"
        yield
        self._coverage.switch_context("")
        self._tell_predicates(item.nodeid)

    def _tell_predicates(self, test: str) -> None:
        seen, values = self._predicates.take()
        if test in self._order:
            self._telling |= {(file, *one) for file, found in seen.items() for one in found}
            for file, by_line in sorted(values.items()):
                self.write({"kind": "values", "file": file, "values": sorted(by_line.items())})
        for file, found in sorted(seen.items()):
            told = sorted(one for one in found if (file, *one) in self._telling)
            self.write({"kind": "seen", "file": file, "id": test, "seen": told})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record for each file and test which lines were executed, and the end."""
        self._coverage.stop()
        data = self._coverage.get_data()
        for path in sorted(data.measured_files()):
            tests: dict[str, list[int]] = {}
            for line, contexts in data.contexts_by_lineno(path).items():
                for test in contexts:
                    if test:
                        tests.setdefault(test, []).append(line)
            for test, lines in tests.items():
                file = os.path.relpath(path, WORK)
                self.write({"kind": "lines", "file": file, "id": test, "lines": sorted(lines)})
        super().pytest_sessionfinish(exitstatus)


def _watched(path: str) -> str:
    """The file below /work that `path` is, unless it belongs to the tests."""
    file = path.removeprefix(f"{WORK}/")
    return "" if file == path or TEST_FILE.search(file) else file


def _file(test: str) -> str:
    return test.split("::", 1)[0]
