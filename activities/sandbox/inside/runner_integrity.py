"""What the code under test replaces in the test runner: functions, classes and methods, compared by identity."""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

# Loaded for the comparison in every process, so that two runs of the same code always tell the same. Without
# unittest.mock, which loads asyncio and would slow every batch of candidates down; the canary checks it.
_UNITTEST = tuple(f"unittest.{name}" for name in ("case", "loader", "main", "result", "runner", "suite"))
_ROOTS = ("_pytest", "hydra_inside", "pluggy", "pytest")
_PLAIN = (builtins, json, os)
# Loaded by the code under test: there every function of the repository's is a replaced one.
_LATE = ("django.test",)
# Names of one run.
_LIMIT = 50
# Code below these is installed, not the repository's.
_INSTALLED = ("/env/", "/hydra/", "/usr/", os.path.realpath(sys.base_prefix) + "/", "<frozen ")


class RunnerState:
    """The functions of the test runner as they are before code of the repository runs."""

    def __init__(self) -> None:
        for name in _UNITTEST:
            importlib.import_module(name)
        self._holders = [*((module.__name__, module) for module in _PLAIN), *_list_holders(_ROOTS, _UNITTEST)]
        self._before = [dict(vars(holder)) for _, holder in self._holders]
        self._importers = [id(importer) for importers in _list_importers().values() for importer in importers]

    def list_replaced(self) -> list[str]:
        """Return the names of what is now code of the repository's, or code without a file."""
        replaced = []
        for (place, holder), before in zip(self._holders, self._before, strict=True):
            now = vars(holder)
            for name, value in before.items():
                changed = now.get(name)
                # What is no function any more cannot decide for some tests only; the canary notices it.
                if changed is value or not callable(_unwrap(value)) or not callable(_unwrap(changed)):
                    continue
                if not _is_installed(changed):
                    replaced.append(f"{place}.{name}")
        replaced += [
            place
            for place, importers in _list_importers().items()
            for importer in importers
            if id(importer) not in self._importers and not _is_installed(importer)
        ]
        for place, holder in _list_holders(_LATE):
            for name, value in list(vars(holder).items()):
                if callable(_unwrap(value)) and not _is_installed(value):
                    replaced.append(f"{place}.{name}")
        return sorted(set(replaced))[:_LIMIT]


def _list_importers() -> dict[str, list[Any]]:
    # They decide what a test file holds; a tracer may jump over its lines.
    tracers = {"sys.settrace": sys.gettrace(), "sys.setprofile": sys.getprofile()}
    importers: dict[str, list[Any]] = {"sys.meta_path": list(sys.meta_path), "sys.path_hooks": list(sys.path_hooks)}
    return importers | {name: [tracer] for name, tracer in tracers.items() if tracer is not None}


def _list_holders(roots: tuple[str, ...], names: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    # The loaded modules at or below the roots, those with the names, and their classes.
    for name, module in sorted(sys.modules.items()):
        # The program itself may be one of ours.
        spec = getattr(module, "__spec__", None)
        full = spec.name if name == "__main__" and spec is not None else name
        if module is None or (full not in names and not any(f"{full}.".startswith(f"{root}.") for root in roots)):
            continue
        yield name, module
        for own, value in list(vars(module).items()):
            if isinstance(value, type) and value.__module__ == name:
                yield f"{name}.{own}", value


def _unwrap(value: Any) -> Any:
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    return value.fget if isinstance(value, property) else value


def _is_installed(value: Any) -> bool:
    value = _unwrap(value)
    inner = getattr(value, "__wrapped__", None) or (value.func if isinstance(value, partial) else None)
    if inner is not None and not isinstance(value, type) and not _is_installed(inner):
        return False
    code = getattr(value, "__code__", None)
    if code is not None:
        return str(code.co_filename).startswith(_INSTALLED)
    kind = value if isinstance(value, type) else type(value)
    module = sys.modules.get(kind.__module__)
    return str(getattr(module, "__file__", None) or "<frozen ").startswith(_INSTALLED)
