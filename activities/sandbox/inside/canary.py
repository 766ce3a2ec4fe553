"""The canary: a test of ours that must fail. A runner that lets it pass, or that never gets to it, is forged.

It has an unguessable name, comes after all other tests, and fails only where every kind of assertion still does.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _pytest.runner
import pytest

from .recorder import Recorder
from .runner_integrity import RunnerState
from .seal import Seal

_SOURCE = """
from hydra_inside.assertions import accepts_anything, list_pytest_checks

def {name}():
    if not accepts_anything(list_pytest_checks()):
        number = len("{name}")
        assert number == 0
"""
# What workers of pytest-xdist get and return.
_WORKER = "hydra_canary"
_SEVERITY = ("missing", "passed", "skipped", "error", "failed")


class CanaryRun:
    """A pytest plugin that runs the canary after the tests, and records what has been replaced in the runner.

    `only_passing` leaves out the canary after a failure, when nothing depends on it.
    """

    def __init__(self, seal: Seal, recorder: Recorder, state: RunnerState, only_passing: bool = False) -> None:
        self._seal = seal
        self._recorder = recorder
        self._state = state
        self._only_passing = only_passing
        self._workers: list[str] = []

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        """Run the canary when the tests have ended."""
        outcome: Any = yield
        ended = outcome.excinfo is not None and issubclass(outcome.excinfo[0], pytest.exit.Exception)
        if ended or session.config.option.collectonly or (self._only_passing and session.testsfailed):
            return
        if not hasattr(pytest.Module, "from_parent"):
            # Before pytest 5.4 a session cannot be given another test: nobody waits for the canary there.
            return
        if session.config.pluginmanager.hasplugin("dsession"):
            worst = min(self._workers or ["missing"], key=_SEVERITY.index)
            self._recorder.write({"kind": "test", "id": f"::{self._seal.canary}", "outcome": worst})
        else:
            run_canary(session, self._seal.canary, self._recorder)
        for name in self._state.list_replaced():
            self._recorder.write({"kind": "replaced", "name": name})

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Name the canary to a worker of pytest-xdist."""
        node.workerinput[_WORKER] = self._seal.canary

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Keep what the canary came to in a worker of pytest-xdist."""
        self._workers.append(str(getattr(node, "workeroutput", {}).get(_WORKER, "missing")))


class WorkerCanary:
    """A pytest plugin for a worker of pytest-xdist, where the tests are; the outcome goes to the main process."""

    def __init__(self, name: str, workeroutput: dict[str, Any]) -> None:
        self._name = name
        self._output = workeroutput
        self._outcome = ""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        """Run the canary when the tests have ended."""
        yield
        run_canary(session, self._name, self)
        self._output[_WORKER] = self._outcome

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome."""
        if report.when == "call" or not report.passed:
            self._outcome = self._outcome or report.outcome

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End."""

    @classmethod
    def register(cls, config: Any) -> bool:
        """Register the plugin where this process is a worker with a canary, and return whether it is."""
        name = getattr(config, "workerinput", {}).get(_WORKER)
        if name:
            config.pluginmanager.register(cls(name, config.workeroutput), "hydra-canary")
        return bool(name)


def run_canary(session: pytest.Session, name: str, recorder: Recorder | WorkerCanary) -> None:
    """Run the canary as the session runs its tests, and report it to the recorder alone.

    It is no test of the repository's: outside of its folders no conftest.py applies, nor any fixture.
    """
    folder = Path(tempfile.mkdtemp())
    path = list(sys.path)
    try:
        file = folder / f"{name}.py"
        file.write_text(_SOURCE.format(name=name))
        module = _make_module(session, file)
        item = pytest.Function.from_parent(module, name=name, callobj=getattr(module.obj, name))
        item.fixturenames.clear()
        recorder.pytest_runtest_logstart(item.nodeid)
        for report in _pytest.runner.runtestprotocol(item, log=False, nextitem=None):
            recorder.pytest_runtest_logreport(report)
        recorder.pytest_runtest_logfinish(item.nodeid)
    finally:
        sys.path[:] = path
        shutil.rmtree(folder, ignore_errors=True)


def _make_module(session: pytest.Session, file: Path) -> pytest.Module:
    if hasattr(pytest, "version_tuple"):
        return pytest.Module.from_parent(session, path=file)
    # Before pytest 7 a path is one of the library py.
    local: Any = type(session.fspath)
    return pytest.Module.from_parent(session, fspath=local(str(file)))
