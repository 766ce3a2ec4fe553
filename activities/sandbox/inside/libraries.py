"""The libraries that tests import: imported once, where forked processes then see what they would see anyway.

A library is left out where importing it first could change a result: it imports the repository, starts a thread, is
rewritten by pytest, or cannot be imported before other code has run. It is also left out where it changes an
environment variable or a function of the standard library, or is imported after one has changed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from _thread import _count as count_threads
from collections.abc import Callable
from typing import Any, NoReturn

from .forks import run_forked

# Each round leaves out what the round before refused, until nothing is refused.
_ROUNDS = 5
# What a library takes from these when it is imported, a program may have replaced before.
_REPLACEABLE = ("builtins", "datetime", "os", "random", "select", "socket", "subprocess", "threading", "time")
# pytest sets these itself.
_OWN_VARIABLES = "PYTEST_"
_OWN_FUNCTIONS = {"excepthook"}

Collect = Callable[[Callable[[], NoReturn]], object]


class ImportLog:
    """A finder that finds no module: it logs which are looked for, and which are loaded before the process changes."""

    def __init__(self) -> None:
        self.looked_for: set[str] = set()
        self._process = _read_process()
        self._early: set[str] | None = None

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Log the name."""
        self.looked_for.add(name)
        if self._early is None and _read_process() != self._process:
            self._early = set(sys.modules)

    def list_early(self) -> set[str]:
        """Return the modules that were loaded before variables or functions changed."""
        return set(sys.modules) if self._early is None else self._early


def import_libraries(collect: Collect, seconds: float) -> None:
    """Let a child collect the tests, then import the libraries that it imported.

    `collect` gets a function to call once the tests are collected, unless it returns. The child leaves bytecode of the
    repository behind, so later children compile only what their candidate changes. It is a child because this process
    may not have imported anything that a candidate could change.
    """
    deadline = time.monotonic() + seconds

    def list_imported(descriptor: int) -> NoReturn:
        sys.dont_write_bytecode = False
        before = set(sys.modules)
        log = ImportLog()
        sys.meta_path.insert(0, log)

        def report() -> NoReturn:
            places = {name: _locate(module) for name, module in list(sys.modules.items())}
            early = log.list_early() - before
            libraries = [name for name in places if name in early and _is_library(sys.modules[name])]
            os.write(descriptor, json.dumps([libraries, places]).encode())
            os._exit(0)

        try:
            collect(report)
        finally:
            report()

    written, _ = run_forked(list_imported, seconds)
    libraries, places = json.loads(written or b"[[], {}]")
    for _ in range(_ROUNDS):
        refused = _list_refused(libraries, places, deadline - time.monotonic())
        if refused is None:
            return
        if not refused:
            for name in libraries:
                importlib.import_module(name)
            return
        libraries = [name for name in libraries if name not in refused]


def _list_refused(libraries: list[str], places: dict[str, Any], seconds: float) -> set[str] | None:
    """Import in a child, which may load what this process may not; None when that takes too long."""

    def probe(descriptor: int) -> NoReturn:
        log = ImportLog()
        sys.meta_path.insert(0, log)
        refused = []
        try:
            for name in libraries:
                before, process = set(sys.modules), (_read_process(), count_threads())
                log.looked_for.clear()
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
                loaded = sys.modules.keys() - before
                # Where it was not found or could not be loaded here, its importer may have gone on without it.
                met = loaded | {name, *(log.looked_for & places.keys())}
                differs = any(_differs(module, places) for module in met)
                if differs or (_read_process(), count_threads()) != process:
                    # The rest of its package, loaded now, would not be refused before the next round.
                    package = name.partition(".")[0]
                    refused += [name, *(other for other in loaded if other.partition(".")[0] == package)]
        finally:
            os.write(descriptor, json.dumps(refused).encode())
            os._exit(0)

    written, reason = run_forked(probe, max(seconds, 0))
    return None if reason or not written else set(json.loads(written))


def _differs(name: str, places: dict[str, Any]) -> bool:
    module = sys.modules.get(name)
    return module is None or not _is_library(module) or places.get(name, "") != _locate(module)


def _is_library(module: object) -> bool:
    loader = getattr(module, "__loader__", None)
    if type(loader).__module__.startswith("_pytest."):
        return False
    if module is sys.modules["__main__"]:
        # multiprocessing gives it another name.
        return True
    place = _locate(module)
    # A module without a file is built in, or made by one that has a file.
    folders = [place] if isinstance(place, str) else place or []
    return all(folder.startswith(("/env/", os.path.realpath(sys.base_prefix))) for folder in folders)


def _locate(module: object) -> str | list[str] | None:
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    try:
        return [str(folder) for folder in getattr(module, "__path__", None) or ()] or None
    except Exception:
        # Some modules only stand for others, and load them when they are asked.
        return None


def _read_process() -> tuple[dict[str, str], dict[str, object]]:
    variables = {name: text for name, text in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    functions = {
        f"{name}.{key}": value
        for name in _REPLACEABLE
        if name in _LOADED
        for key, value in vars(_LOADED[name]).items()
        if callable(value) and key not in _OWN_FUNCTIONS
    }
    return variables, functions


_LOADED = {name: sys.modules[name] for name in _REPLACEABLE if name in sys.modules}
