"""The functions that a process has loaded, whose code is replaced by a candidate's without importing anything again.

That shows what a function does when a test calls it, and nothing else. So a candidate is suitable where it changes
the bodies of functions alone, and none of them ran while modules were imported.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any

from .code_units import are_alike, list_changed, list_units
from .work_tree import WORK

Replacements = list[tuple[types.FunctionType, types.CodeType]]
"""Functions, and the code that each of them gets."""

_Place = tuple[str, str, int]


class CallLog:
    """The code that runs from the first `start` to `stop`, of functions of the work tree."""

    def __init__(self) -> None:
        self._codes: dict[int, types.CodeType] = {}

    def start(self) -> None:
        """Log the calls of this process's threads from now on."""
        codes = self._codes

        def log(frame: types.FrameType, event: str, argument: Any) -> None:  # noqa: ARG001
            if event == "call":
                codes[id(frame.f_code)] = frame.f_code

        threading.setprofile(log)
        sys.setprofile(log)

    def stop(self) -> set[_Place]:
        """Log no more, and return where the code that ran is defined."""
        sys.setprofile(None)
        threading.setprofile(None)
        return {_locate(code) for code in self._codes.values()}


class LoadedFunctions:
    """The functions of the work tree that are alive, but for those that have `ran`."""

    def __init__(self, ran: set[_Place]) -> None:
        self._ran = ran
        self._functions: dict[_Place, list[types.FunctionType]] = {}
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and thing.__code__.co_filename.startswith(f"{WORK}/"):
                self._functions.setdefault(_locate(thing.__code__), []).append(thing)
        self._loaded = {os.path.realpath(str(getattr(module, "__file__", ""))) for module in list(sys.modules.values())}
        self._modules: dict[str, types.CodeType] = {}

    def find_replacements(self, changes: Mapping[str, str | None]) -> Replacements | None:
        """Return what a candidate's changes replace; None where that would not show what they do."""
        replacements: Replacements = []
        for path, text in changes.items():
            if text is None or not path.endswith(".py"):
                return None
            # A module that a test imports itself is imported with the changes.
            if os.path.realpath(WORK / path) not in self._loaded:
                continue
            try:
                replaced = self._compare(path, text)
            except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
                return None
            if replaced is None:
                return None
            replacements += replaced
        return replacements

    def _compare(self, path: str, text: str) -> Replacements | None:
        file = WORK / path
        if path not in self._modules:
            self._modules[path] = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        before = self._modules[path]
        after = compile(text.encode("utf-8", "surrogateescape"), str(file), "exec", dont_inherit=True)
        changed, is_other = list_changed(before, after)
        if is_other:
            return None
        old, new = list_units(before), list_units(after)
        replacements: Replacements = []
        for name, code in old.items():
            place = _locate(code)
            functions = self._functions.get(place, [])
            # Where the importer writes other code than the compiler, only a new import has it.
            is_known = all(function.__code__ == code for function in functions)
            if name in changed and (
                place in self._ran or not functions or not is_known or not are_alike(code, new[name])
            ):
                return None
            # The others get the places of their lines.
            if is_known and are_alike(code, new[name]):
                replacements += [(function, new[name]) for function in functions]
        return replacements


def _locate(code: types.CodeType) -> _Place:
    return code.co_filename, code.co_name, code.co_firstlineno
