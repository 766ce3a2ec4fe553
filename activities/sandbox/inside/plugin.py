"""The pytest plugin that PYTEST_PLUGINS loads, whatever program runs pytest.

PYTEST_DONT_REWRITE: pytest reads this word here, and leaves the asserts as they are.

`HYDRA_PLUGIN` holds its settings as JSON: `results` (a path), `test_seconds` (the limit of one test) and `hand_over`
(whether other sessions of the same command may follow). `leave_out` is a file with the JSON list of tests that are not
to run. A coverage run adds `cpu_seconds` (the limit of computing in
one test), `order` (a file with the JSON list of the tests to run first), `only` (the file whose tests alone are run,
or nothing) and `coverage_seconds` (the limit of all tests). A run that compares candidates has `behaviours`, a file for
the module of that name. Works with pytest 4.6 and newer, with a canary from 5.4 on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from .canary import CanaryRun, WorkerCanary
from .recorder import Recorder
from .runner_integrity import RunnerState
from .seal import Seal, take_seal
from .test_names import file_of

_plugins: dict[str, object] = {}

# The options of a session that runs all of its tests.
_WHOLE = {
    "continue_on_collection_errors": True,
    "maxfail": 0,
    "stepwise": False,
    "stepwise_skip": False,
    "stepwise_reset": False,
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """Read the settings and open the results before anything of the repository is imported."""
    # Removed, so that a pytest that a test starts records nothing.
    text = os.environ.pop("HYDRA_PLUGIN", None)
    if text is None:
        return
    settings = json.loads(text)
    results = os.open(settings["results"], os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    seal = take_seal(results)
    early_config.pluginmanager.register(WholeSession(), "hydra-whole-session")
    if "behaviours" in settings:
        _plugins.update(_compare_behaviours(settings["behaviours"], Recorder(results, seal, settings["test_seconds"])))
        _disable_pytest_cov(early_config)
        early_config.pluginmanager.register(SingleProcess(), "hydra-single-process")
        return
    if "order" not in settings:
        recorder = Recorder(results, seal, settings["test_seconds"])
        _plugins["hydra-recorder"] = recorder
        if "leave_out" in settings:
            with open(settings["leave_out"]) as file:  # noqa: PTH123
                _plugins["hydra-leave-out"] = LeaveOut(json.load(file), recorder)
        _plugins["hydra-canary"] = CanaryRun(seal, recorder, RunnerState())
        if settings["hand_over"]:
            _plugins["hydra-hand-over"] = HandOver(seal, results)
        return
    from .coverage_recorder import CoverageRecorder

    _disable_pytest_cov(early_config)
    early_config.pluginmanager.register(SingleProcess(), "hydra-single-process")
    with open(settings["order"]) as file:  # noqa: PTH123
        order = json.load(file)
    _plugins["hydra-recorder"] = CoverageRecorder(
        results, seal, settings["test_seconds"], settings["cpu_seconds"], order, settings["coverage_seconds"]
    )
    if settings["only"]:
        _plugins["hydra-only"] = OnlyFile(settings["only"])
    if settings["hand_over"]:
        _plugins["hydra-hand-over"] = HandOver(seal, results)


def _compare_behaviours(file: str, recorder: Recorder) -> dict[str, object]:
    from .behaviour_recorder import BehaviourRecorder
    from .behaviours import load_comparison

    comparison = load_comparison(file, recorder.write)
    return {"hydra-recorder": recorder, "hydra-behaviours": BehaviourRecorder(comparison)}


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder and the canary, once."""
    if WorkerCanary.register(config):
        # A worker has read the settings of the repository itself.
        _keep_going(config)
    while _plugins:
        name, plugin = _plugins.popitem()
        config.pluginmanager.register(plugin, name)


class HandOver:
    """A pytest plugin that leaves the next session of a command its seal when this one is over."""

    def __init__(self, seal: Seal, results: int) -> None:
        self._seal = seal
        self._results = results

    def pytest_unconfigure(self) -> None:
        """Write the seal: until now no code of the repository could have read it."""
        self._seal.write_for_next(self._results)


class LeaveOut:
    """A pytest plugin that leaves out tests, and records which of them there are."""

    def __init__(self, tests: Collection[str], recorder: Recorder) -> None:
        self._tests = frozenset(tests)
        self._recorder = recorder

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the tests."""
        left_out = [item for item in items if item.nodeid in self._tests]
        for item in left_out:
            self._recorder.write({"kind": "left out", "id": item.nodeid})
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.nodeid not in self._tests]


class OnlyFile:
    """A pytest plugin that leaves out the tests of all files but one."""

    def __init__(self, file: str) -> None:
        self._file = file

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the other tests."""
        config.hook.pytest_deselected(items=[item for item in items if file_of(item.nodeid) != self._file])
        items[:] = [item for item in items if file_of(item.nodeid) == self._file]


class WholeSession:
    """A pytest plugin that lets nothing end a session early: one failing test or broken module would hide the rest."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Iterator[None]:
        """Disable the options that stop at a failure."""
        _keep_going(config)
        yield


class SingleProcess(WholeSession):
    """A pytest plugin that disables pytest-xdist and pytest-cov as well."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Iterator[None]:
        """Disable pytest-cov."""
        _disable_pytest_cov(early_config)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Iterator[None]:
        """Disable pytest-xdist."""
        if hasattr(config.option, "numprocesses"):
            config.option.numprocesses = None
            config.option.dist = "no"
            config.option.tx = []
        yield from super().pytest_cmdline_main(config)


def _keep_going(config: pytest.Config) -> None:
    for name, value in _WHOLE.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)


def _disable_pytest_cov(early_config: Any) -> None:
    # Its tracer would replace ours, or only cost time.
    options = early_config.known_args_namespace
    if hasattr(options, "no_cov"):
        options.no_cov = True
