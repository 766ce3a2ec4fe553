"""A fork server that tries candidates by pytest: it is imported once, and the warm process is forked for each test run.

Where possible the fork is late, in a session that is configured and has loaded its conftest files. Candidates that
change a module loaded by then are tried in forks of a process that has only imported pytest and libraries.

Of many candidates most are ruled out before that (`collected_trials`).
"""

from __future__ import annotations

import importlib
import linecache
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import _pytest.config
import pytest

from .canary import CanaryRun
from .collected_trials import CollectedTrials
from .libraries import import_libraries
from .plugin import SingleProcess
from .seal import Seal
from .trial_recorder import TrialRecorder, WantedTests, list_names
from .trials import Candidate, Child, TestSession, Trials, is_unread, list_loaded, try_late, warm_up


class Proceed(BaseException):
    """The way out of a forked child to its session, which goes on with the tests of `session`."""

    def __init__(self, session: TestSession) -> None:
        super().__init__()
        self.session = session


class LateFork(SingleProcess):
    """A pytest plugin that tries candidates from a session that is about to collect its tests."""

    def __init__(self, trials: Trials, report: int) -> None:
        self._trials = trials
        self._report = report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Try the candidates and exit; in a forked child register its recorder and let the session go on."""
        signal.alarm(0)
        loaded = list_loaded()
        if any(is_unread(candidate, loaded) for candidate in self._trials.left):
            import_libraries(lambda _: session.perform_collect(), self._trials.request["target_seconds"])
            self._trials.remember_work_tree()
            warm_up()

        def find_child(candidate: Candidate) -> Child | None:
            return _proceed if is_unread(candidate, loaded) else None

        try:
            self._trials.try_suitable(find_child)
        except Proceed as proceed:
            for name, plugin in _make_plugins(self._trials, proceed.session).items():
                session.config.pluginmanager.register(plugin, name)
            return
        os.write(self._report, self._trials.dump())
        os._exit(0)


class CollectedFork(WantedTests):
    """A pytest plugin that rules candidates out, once the tests that must pass first are collected."""

    def __init__(self, collected: CollectedTrials) -> None:
        super().__init__(collected.trials.request["targets"], ())
        self._collected = collected

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Try the candidates and exit; in a forked child let the session go on."""
        recorder = TrialRecorder(TestSession(-1, Seal(""), self._collected.trials.request, None, brief=True))
        # Once for all children: it takes as long as a test.
        session.config.pluginmanager.register(recorder, "hydra-recorder")
        try:
            self._collected.rule_out({name for item in session.items for name in list_names(item)}, _proceed)
        except Proceed as proceed:
            recorder.start(proceed.session, session.config)
            recorder.pytest_collection_finish(session)


class Collection(SingleProcess):
    """A pytest plugin that goes on with `proceed` once the tests are collected, in place of running them."""

    def __init__(self, proceed: Callable[[], NoReturn]) -> None:
        self._proceed = proceed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> NoReturn:
        """Go on."""
        self._proceed()


def main() -> None:
    """Try all candidates, with late forks first."""
    for name in _pytest.config.default_plugins:
        importlib.import_module(f"_pytest.{name}")
    trials = Trials()
    arguments = trials.request["arguments"]
    sys.path[:0] = trials.request["path"]
    sys.argv[:] = ["pytest", *arguments]
    warm_up()
    CollectedTrials.run(trials, lambda collected: pytest.main(arguments, plugins=[CollectedFork(collected)]))
    if trials.are_over:
        return
    try_late(trials, lambda report: pytest.main(arguments, plugins=[LateFork(trials, report)]))

    def run_session(session: TestSession) -> NoReturn:
        pytest.main(arguments, plugins=list(_make_plugins(trials, session).values()))
        os._exit(0)

    if trials.left:
        import_libraries(
            lambda proceed: pytest.main(arguments, plugins=[Collection(proceed)]), trials.request["target_seconds"]
        )
        trials.remember_work_tree()
        warm_up()
    trials.try_suitable(lambda _: run_session)


def _proceed(session: TestSession) -> NoReturn:
    linecache.clearcache()
    raise Proceed(session)


def _make_plugins(trials: Trials, session: TestSession) -> dict[str, object]:
    recorder = TrialRecorder(session)
    plugins: dict[str, object] = {"hydra-recorder": recorder}
    # Of a few tests the canary decides nothing.
    if session.only is None:
        plugins["hydra-canary"] = CanaryRun(session.seal, recorder, trials.runner_state, only_passing=True)
    return plugins


if __name__ == "__main__":
    main()
