"""A fork server that tries candidates by Django's tests.

Where possible the fork is late: settings and applications are loaded, and the databases made. A fork copies a database
only where SQLite keeps it in memory, so any other is made by each child. Candidates that change a module loaded by then
are tried in forks of a process that has loaded no code of the repository.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from .collected_trials import CollectedTrials
from .forks import run_forked
from .libraries import import_libraries
from .trials import Candidate, Child, TestSession, Trials, is_unread, list_loaded, try_late, warm_up
from .unittest_behaviours import are_databases_in_memory
from .unittest_fork_server import Discovery, TrialRecords, list_wanted
from .unittest_main import SINGLE_PROCESS, replace_runner, run_program
from .unittest_records import RecordingResult

# The tests are collected so many times before the first candidate.
_COLLECTED = 3


class Proceed(BaseException):
    """The way out of a forked child to its test runner, which goes on with the tests of `session`."""

    def __init__(self, session: TestSession) -> None:
        super().__init__()
        self.session = session


class Measured(BaseException):
    """The way out of a forked child to its test runner, which reports to `descriptor` what databases it asks for."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor


class Fork:
    """The parts of Django's test runner that try candidates where a session builds its suite."""

    def __init__(self, trials: Trials, runner: Any) -> None:
        self._trials = trials
        self._runner = runner
        self._build_suite = runner.build_suite
        self._setup_databases = runner.setup_databases

    def install(self) -> None:
        """Have the session fork where it builds its suite."""
        self._runner.build_suite = lambda *arguments, **options: self._start(arguments, options)

    def _start(self, arguments: Any, options: Any) -> Any:
        self._runner.build_suite = self._build_suite
        return self._fork(arguments, options)

    def _fork(self, arguments: Any, options: Any) -> Any:
        """Return the suite of a forked child's session."""
        raise NotImplementedError

    def _make_databases(self, argument: Any, build: Callable[[], Any]) -> Any:
        """Make the databases that the suite which `build` returns needs, where forks copy them.

        The suite is only returned in a forked child, whose session tells what it needs.
        """
        try:
            asked, _ = run_forked(_measure, self._trials.request["target_seconds"])
        except Measured as measured:
            descriptor = measured.descriptor
            self._runner.setup_databases = lambda *_, **options: _report(descriptor, options)
            return build()
        databases = ast.literal_eval(asked.decode())
        if are_databases_in_memory(databases["aliases"]):
            configuration = self._setup_databases(argument, **databases)
            self._runner.setup_databases = lambda *_, **__: configuration
        return None


class CollectedFork(Fork):
    """Rules candidates out in a session that has built its suite."""

    def __init__(self, collected: CollectedTrials, runner: Any) -> None:
        super().__init__(collected.trials, runner)
        self._collected = collected

    def _fork(self, arguments: Any, options: Any) -> Any:
        suite = self._build_suite(*arguments, **options)
        if (measured := self._make_databases(arguments[0], lambda: suite)) is not None:
            return measured
        try:
            self._collected.rule_out(list_wanted(suite), _proceed)
        except Proceed as proceed:
            self._runner.run_checks = lambda *_, **__: _import_urls()
            RecordingResult.records = TrialRecords(proceed.session, self._trials.runner_state)
        return suite


class LateFork(Fork):
    """Tries candidates before a session builds its suite."""

    def __init__(self, trials: Trials, report: int, runner: Any) -> None:
        super().__init__(trials, runner)
        self._report = report

    def _fork(self, arguments: Any, options: Any) -> Any:
        seconds = self._trials.request["target_seconds"]
        signal.alarm(int(_COLLECTED * seconds) + 1)

        def build() -> Any:
            return self._build_suite(*arguments, **options)

        import_libraries(lambda _: build(), seconds)
        discovery = Discovery(self._trials, lambda check: check(build()))
        if (measured := self._make_databases(arguments[0], build)) is not None:
            return measured
        self._trials.remember_work_tree()
        warm_up()
        loaded = list_loaded()
        signal.alarm(0)

        def find_child(candidate: Candidate) -> Child | None:
            return _proceed if is_unread(candidate, loaded) else None

        try:
            self._trials.try_suitable(find_child)
        except Proceed as proceed:
            if proceed.session.only is not None:
                self._runner.run_checks = lambda *_, **__: _import_urls()
            discovery.start_session(proceed.session, self._trials.runner_state)
            return build()
        os.write(self._report, self._trials.dump())
        os._exit(0)


def main() -> None:
    """Try all candidates, with late forks first."""
    replace_runner()
    trials = Trials()
    sys.path[:0] = trials.request["path"]
    arguments = [*trials.request["arguments"], *SINGLE_PROCESS]

    def run_collected(collected: CollectedTrials) -> None:
        from django.test.runner import DiscoverRunner  # type: ignore[import-not-found, unused-ignore]

        CollectedFork(collected, DiscoverRunner).install()
        run_program(arguments)

    def run_late(report: int) -> None:
        from django.test.runner import DiscoverRunner  # type: ignore[import-not-found, unused-ignore]

        LateFork(trials, report, DiscoverRunner).install()
        run_program(arguments)

    def run_session(session: TestSession) -> NoReturn:
        RecordingResult.records = TrialRecords(session, trials.runner_state)
        run_program(arguments)
        os._exit(0)

    CollectedTrials.run(trials, run_collected)
    if trials.are_over:
        return
    try_late(trials, run_late)
    trials.try_suitable(lambda _: run_session)


def _proceed(session: TestSession) -> NoReturn:
    raise Proceed(session)


def _measure(descriptor: int) -> NoReturn:
    raise Measured(descriptor)


def _report(descriptor: int, asked: dict[str, Any]) -> NoReturn:
    os.write(descriptor, repr(asked).encode())
    os._exit(0)


def _import_urls() -> None:
    # What tests may need of the system checks, which take longer than a few tests do. Before all tests these run.
    from django.conf import settings  # type: ignore[import-not-found, unused-ignore]
    from django.urls import get_resolver  # type: ignore[import-not-found, unused-ignore]

    if getattr(settings, "ROOT_URLCONF", None):
        get_resolver().url_patterns  # noqa: B018


if __name__ == "__main__":
    main()
