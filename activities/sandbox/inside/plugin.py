"""The pytest plugin that PYTEST_PLUGINS loads, whatever ends up running pytest.

PYTEST_DONT_REWRITE: pytest reads this word here, and leaves the asserts as they are.

`HYDRA_PLUGIN` holds its settings as JSON: `results` (a path) and `test_seconds` (for one test); for a
coverage run also `cpu_seconds`, `order` (a file with a JSON list of the tests to run first) and `coverage_seconds`.
Works with pytest 7.4 and newer.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from .recorder import Alone, Recorder, without_pytest_cov

_recorder: Recorder | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """Take the settings before anything of the repository is imported.

    They are taken away: a pytest that a test starts records nothing.
    """
    global _recorder
    text = os.environ.pop("HYDRA_PLUGIN", None)
    if text is None:
        return
    settings = json.loads(text)
    results = os.open(settings["results"], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    if "order" not in settings:
        _recorder = Recorder(results, settings["test_seconds"])
        return
    from .coverage_run import CoverageRecorder

    without_pytest_cov(early_config)
    early_config.pluginmanager.register(Alone(), "hydra-alone")
    with open(settings["order"]) as file:  # noqa: PTH123
        order = json.load(file)
    _recorder = CoverageRecorder(
        results, settings["test_seconds"], settings["cpu_seconds"], order, settings["coverage_seconds"]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to record, once."""
    global _recorder
    if _recorder is not None:
        config.pluginmanager.register(_recorder, "hydra-recorder")
        _recorder = None
