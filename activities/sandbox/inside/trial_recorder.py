"""The recorder of one candidate's trial: only the wanted tests, and as fast as possible."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

import pytest

from .plugin import SingleProcess
from .recorder import Recorder
from .test_names import file_of
from .trials import TestSession


class WantedTests(SingleProcess):
    """A pytest plugin that collects the tests in `only`, or where that is None all but the `known` ones."""

    def __init__(self, only: Collection[str] | None, known: Collection[str]) -> None:
        self._only = None if only is None else frozenset(only)
        self._files = {file_of(test) for test in only or ()}
        self._known = frozenset(known)

    if hasattr(pytest, "version_tuple"):

        def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
            """Leave out files and folders without a wanted test, because importing them takes most of the time."""
            return self._ignore(collection_path, config.rootpath)

    else:
        # Pytest 6 has other arguments, and refuses a hook with unknown ones.
        def pytest_ignore_collect(self, path: Any, config: Any) -> bool | None:  # type: ignore[misc]
            """Leave them out as above."""
            return self._ignore(Path(path), Path(config.rootdir))

    def _ignore(self, file: Path, root: Path) -> bool | None:
        if not file.is_relative_to(root):
            return None
        path = file.relative_to(root).as_posix()
        if self._only is None:
            return True if path in self._known else None
        wanted = path == "." or any(file == path or file.startswith(f"{path}/") for file in self._files)
        return None if wanted else True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the other tests, and those that cannot pass here: one that waits for a network would end it all."""
        if self._only is None:
            wanted = [item for item in items if item.nodeid not in self._known]
        else:
            wanted = [item for item in items if list_names(item) & self._only]
        selected = set(wanted)
        config.hook.pytest_deselected(items=[item for item in items if item not in selected])
        items[:] = wanted


class TrialRecorder(WantedTests, Recorder):
    """A recorder of one session's tests.

    The first test that hangs ends the session, and the process ends with the session.
    """

    def __init__(self, session: TestSession) -> None:
        request = session.request
        WantedTests.__init__(self, session.only, request["known"])
        Recorder.__init__(self, session.results, session.seal, request["test_seconds"], request["cpu_seconds"])
        self._brief, self._stops = session.brief, session.stops

    def start(self, session: TestSession, config: pytest.Config) -> None:
        """Record for another session of the tests that were collected."""
        self._results, self.seal = session.results, session.seal
        self._brief, self._stops = session.brief, session.stops
        config.option.maxfail = int(session.stops)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Select the tests; the first that fails may end them."""
        super().pytest_collection_modifyitems(config, items)
        config.option.maxfail = int(self._stops)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Make the test report an exception without its traceback."""
        if self._brief:
            item.repr_failure = format_briefly  # type: ignore[method-assign]

    def handle_timeout(self, item: pytest.Item) -> None:
        """End the session."""
        item.session.shouldstop = "a test timed out"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> NoReturn:
        """Record the exit status and exit at once: nobody needs pytest's summary and clean-up."""
        super().pytest_sessionfinish(exitstatus)
        os._exit(0)


def list_names(item: pytest.Item) -> set[str]:
    """Return the names by which a test is wanted: its own, and its file's."""
    return {item.nodeid, file_of(item.nodeid)}


def format_briefly(excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG001
    """Return an exception without its traceback, which takes longer to make than most tests take."""
    return excinfo.exconly()
