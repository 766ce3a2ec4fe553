"""A fork server that tries candidates by unittest, in forks of a process that has imported the tests' libraries."""

from __future__ import annotations

import os
import sys
import unittest
from collections.abc import Callable, Collection, Iterator
from typing import Any, NoReturn

from .collected_trials import CollectedTrials
from .forks import run_forked
from .libraries import import_libraries
from .runner_integrity import RunnerState
from .test_names import list_implied
from .trials import TestSession, Trials, warm_up
from .unittest_main import RecordingRunner
from .unittest_records import RecordingResult, Records, name_test, select_tests


class TrialRecords(Records):
    """The records of one session of a candidate, which ends the process.

    The first test that hangs ends the session.
    """

    def __init__(self, session: TestSession, state: RunnerState) -> None:
        request = session.request
        super().__init__(session.results, session.seal, state, request["test_seconds"], request["cpu_seconds"])
        self._only = session.only
        self._known = frozenset(request["known"])
        self.brief, self.stops = session.brief, session.stops
        self.only_passing = True

    def select(self, test: unittest.TestSuite | unittest.TestCase) -> None:
        """Leave out the tests that are not wanted, and those that cannot pass here."""
        if isinstance(test, unittest.BaseTestSuite):
            select_tests(test, self._is_selected)

    def _is_selected(self, name: str) -> bool:
        return name not in self._known if self._only is None else _is_wanted(name, self._only)

    def handle_timeout(self, result: unittest.TestResult) -> None:
        """End the session."""
        result.stop()

    def finish(self, passed: bool) -> None:
        """End the session and the process."""
        super().finish(passed)
        os._exit(0)

    def run_canary(self) -> None:
        """Run the canary after all tests: of a few it decides nothing."""
        if self._only is None:
            super().run_canary()


class Discovery:
    """The discovery of tests, which leaves out modules without a wanted test where it still finds all that are wanted.

    Importing modules takes most of the time of a session, but a test may be of another module than its name says.
    """

    def __init__(self, trials: Trials, collect: Callable[[Callable[[unittest.TestSuite], object]], object]) -> None:
        """`collect` passes the suite of all tests that discovery finds to a function."""
        wanted = [*trials.request["targets"], *trials.request["hanging"]]

        def probe(descriptor: int) -> NoReturn:
            def check(suite: unittest.TestSuite) -> None:
                names = list(_list_names(suite))
                is_complete = all(any(_is_wanted(name, [test]) for name in names) for test in wanted)
                os.write(descriptor, b"complete" if is_complete else b"")

            try:
                narrow_discovery(wanted)
                collect(check)
            finally:
                os._exit(0)

        self._is_narrow = run_forked(probe, trials.request["target_seconds"])[0] == b"complete"

    def start_session(self, session: TestSession, state: RunnerState) -> None:
        """Make what runs from now on the tests of a session."""
        RecordingResult.records = TrialRecords(session, state)
        if session.only is not None:
            self.narrow(session.only)

    def narrow(self, only: Collection[str]) -> None:
        """Leave out from now on the modules without a wanted test, where all that are wanted are still found."""
        if self._is_narrow:
            narrow_discovery(only)


def main() -> None:
    """Try all candidates."""
    trials = Trials()
    sys.path[:0] = trials.request["path"]
    sys.argv[:] = ["python -m unittest", *trials.request["arguments"]]
    import_libraries(lambda _: _collect(list), trials.request["target_seconds"])
    discovery = Discovery(trials, _collect)
    CollectedTrials.run(trials, lambda collected: _rule_out(collected, discovery))
    if trials.are_over:
        return
    trials.remember_work_tree()
    warm_up()

    def run_session(session: TestSession) -> NoReturn:
        discovery.start_session(session, trials.runner_state)
        unittest.main(module=None, testRunner=RecordingRunner)
        os._exit(0)

    trials.try_suitable(lambda _: run_session)


def _collect(check: Callable[[unittest.TestSuite], object]) -> None:
    class Idle:
        def __init__(self, **_: Any) -> None:
            pass

        def run(self, suite: Any) -> unittest.TestResult:
            check(suite)
            return unittest.TestResult()

    unittest.main(module=None, testRunner=Idle, exit=False)


def _rule_out(collected: CollectedTrials, discovery: Discovery) -> None:
    class Runner(RecordingRunner):
        def run(self, test: Any) -> NoReturn:
            def run_session(session: TestSession) -> NoReturn:
                RecordingResult.records = TrialRecords(session, collected.trials.runner_state)
                super(Runner, self).run(test)
                os._exit(0)

            collected.rule_out(list_wanted(test), run_session)

    discovery.narrow(collected.trials.request["targets"])
    unittest.main(module=None, testRunner=Runner)


def list_wanted(suite: unittest.BaseTestSuite) -> set[str]:
    """Return the names by which the tests of a suite may be wanted."""
    return {wanted for name in _list_names(suite) for wanted in (name, *list_implied(name))}


def _list_names(suite: unittest.BaseTestSuite) -> Iterator[str]:
    for test in suite:
        if isinstance(test, unittest.BaseTestSuite):
            yield from _list_names(test)
        else:
            yield name_test(test)


def _is_wanted(name: str, only: Collection[str]) -> bool:
    # A module that could not be imported, or a set-up that failed, is wanted with the tests that it stands for.
    return not list_implied(name).isdisjoint(only)


def narrow_discovery(only: Collection[str]) -> None:
    """Let discovery leave out the modules that no wanted test is named after."""
    loader: Any = unittest.defaultTestLoader
    match = getattr(loader, "_match_path", None)
    if match is None:
        return

    def match_wanted(path: str, full_path: str, pattern: str) -> bool:
        name = loader._get_name_from_path(full_path)
        wanted = any(test == name or test.startswith(f"{name}.") for test in only)
        return wanted and bool(match(path, full_path, pattern))

    loader._match_path = match_wanted


if __name__ == "__main__":
    main()
