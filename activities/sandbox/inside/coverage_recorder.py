"""The recorder of coverage: the lines that each test executes, and the predicates that it observes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence

import pytest
from coverage import Coverage  # type: ignore[import-not-found, unused-ignore]

from .predicates import Predicates
from .recorder import Recorder
from .seal import Seal
from .test_names import file_of

WORK = "/work"

# A copy of `activities.code.test_files.TEST_FILE`, since nothing of ours can be imported here. A test compares them.
TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|__tests__)/|conftest\.py$|tests?\.\w+$|test_[^/]*\.\w+$|[^/]*_tests?\.\w+$"
    r"|[^/]*\.(?:test|spec)\.\w+$)"
)


class CoverageRecorder(Recorder):
    """A recorder with coverage.py, whose dynamic context is the test.

    The tests in `order` run first, then those of the same files, then others until `seconds` are over. Lines of
    files below /work count, except when they are executed by an import.
    """

    def __init__(
        self, results: int, seal: Seal, test_seconds: float, cpu_seconds: float, order: Sequence[str], seconds: float
    ) -> None:
        super().__init__(results, seal, test_seconds, cpu_seconds)
        self._order = {test: number for number, test in enumerate(order)}
        self._files = {file_of(test) for test in order}
        self._seconds = seconds
        self._deadline = float("inf")
        # The monitoring core, the default of newer interpreters, has no contexts.
        os.environ["COVERAGE_CORE"] = "ctrace"
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{WORK}/*"], messages=False)
        self._coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured"])
        self._coverage.start()
        self._predicates = Predicates(_name_source)
        # The predicates of failing tests, which run first: those that only passing tests observe explain nothing.
        self._observed: set[tuple[str, int, str]] = set()

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
        self._coverage.switch_context(item.nodeid)
        self._predicates.take()
        if time.monotonic() > self._deadline:
            item.session.shouldstop = "the time for coverage is over"
        yield
        self._coverage.switch_context("")
        self._write_predicates(item.nodeid)

    def _write_predicates(self, test: str) -> None:
        predicates, values = self._predicates.take()
        if test in self._order:
            self._observed |= {(file, *predicate) for file, by_file in predicates.items() for predicate in by_file}
            for file, by_line in sorted(values.items()):
                self.write({"kind": "values", "file": file, "values": sorted(by_line.items())})
        for file, by_file in sorted(predicates.items()):
            observed = sorted(predicate for predicate in by_file if (file, *predicate) in self._observed)
            self.write({"kind": "seen", "file": file, "id": test, "seen": observed})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record the executed lines by file and test, and the exit status of the session."""
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


def _name_source(path: str) -> str:
    file = path.removeprefix(f"{WORK}/")
    return "" if file == path or TEST_FILE.search(file) else file
