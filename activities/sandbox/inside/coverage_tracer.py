"""The tracer of coverage: the lines that each test executes, and the predicates that it observes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from typing import Any

from coverage import Coverage  # type: ignore[import-not-found, unused-ignore]

from .predicates import Predicates

WORK = "/work"

# A copy of `activities.code.test_files.TEST_FILE`, since nothing of ours can be imported here. A test compares them.
TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|__tests__)/|conftest\.py$|tests?\.\w+$|test_[^/]*\.\w+$|[^/]*_tests?\.\w+$"
    r"|[^/]*\.(?:test|spec)\.\w+$)"
)


class CoverageTracer:
    """Coverage.py, whose dynamic context is the test, and the predicates that tests observe.

    Lines of files below /work count, except when they are executed by an import. The `failing` tests come first: what
    only passing ones observe explains nothing.
    """

    def __init__(self, failing: Collection[str], write: Callable[[dict[str, Any]], None]) -> None:
        self._failing = failing
        self._write = write
        # The monitoring core, the default of newer interpreters, has no contexts.
        os.environ["COVERAGE_CORE"] = "ctrace"
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{WORK}/*"], messages=False)
        self._coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured"])
        self._coverage.start()
        self._predicates = Predicates(_name_source)
        self._observed: set[tuple[str, int, str]] = set()

    def begin_test(self, test: str) -> None:
        """Attribute what is executed from now on to a test."""
        self._coverage.switch_context(test)
        self._predicates.take()

    def end_test(self, test: str) -> None:
        """Attribute what is executed from now on to no test, and record what this one has observed."""
        self._coverage.switch_context("")
        predicates, values = self._predicates.take()
        if test in self._failing:
            self._observed |= {(file, *predicate) for file, by_file in predicates.items() for predicate in by_file}
            for file, by_line in sorted(values.items()):
                self._write({"kind": "values", "file": file, "values": sorted(by_line.items())})
        for file, by_file in sorted(predicates.items()):
            observed = sorted(predicate for predicate in by_file if (file, *predicate) in self._observed)
            self._write({"kind": "seen", "file": file, "id": test, "seen": observed})

    def finish(self) -> None:
        """Record the executed lines by file and test."""
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
                self._write({"kind": "lines", "file": file, "id": test, "lines": sorted(lines)})


def _name_source(path: str) -> str:
    file = path.removeprefix(f"{WORK}/")
    return "" if file == path or TEST_FILE.search(file) else file
