"""Trials in a session that has collected the tests that must pass first: they rule candidates out.

A candidate's code takes the place of the loaded functions that it changes, so that nothing is imported or collected
again. What passes its targets so is left, and tried from the start.
"""

from __future__ import annotations

import os
import signal
from _thread import _count as count_threads
from collections.abc import Callable, Collection
from functools import partial
from typing import NoReturn

from .loaded_functions import CallLog, LoadedFunctions, Replacements
from .trials import Candidate, Child, TestSession, Trials, try_late, warm_up

# Collecting the tests once more is worth it from so many candidates on.
_MANY = 8


class CollectedTrials:
    """The trials of a forked session, which hands what `Trials.dump` returns to the descriptor `report`."""

    def __init__(self, trials: Trials, report: int) -> None:
        self.trials = trials
        self._report = report
        self._calls = CallLog()

    @classmethod
    def run(cls, trials: Trials, run_session: Callable[[CollectedTrials], object]) -> None:
        """Rule candidates out, where there are many, in a fork in which `run_session` goes on.

        It is to call `rule_out` once the tests are collected.
        """
        if not trials.request["targets"] or len(trials.left) < _MANY:
            return

        def run(report: int) -> None:
            collected = cls(trials, report)
            collected._calls.start()
            run_session(collected)

        try_late(trials, run)

    def rule_out(self, collected: Collection[str], child: Child) -> NoReturn:
        """Try the candidates and end the process; a forked one goes on with `child`, which may leave by an exception.

        `collected` are the names of the tests.
        """
        signal.alarm(0)
        loaded = LoadedFunctions(self._calls.stop())
        # What started a thread cannot be forked, and a test that is missing would pass for one that fails.
        if count_threads() > 1 or not set(self.trials.request["targets"]).issubset(collected):
            os._exit(0)
        self.trials.remember_work_tree()
        warm_up()

        def find_child(candidate: Candidate) -> Child | None:
            replacements = loaded.find_replacements(candidate["changes"])
            return None if replacements is None else partial(_replace, replacements, child)

        self.trials.rule_out(find_child)
        os.write(self._report, self.trials.dump())
        os._exit(0)


def _replace(replacements: Replacements, child: Child, session: TestSession) -> NoReturn:
    for function, code in replacements:
        function.__code__ = code
    child(session)
