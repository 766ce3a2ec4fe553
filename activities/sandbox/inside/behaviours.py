"""The recorder of behaviour: what versions of a function return, raise and change, for the calls of a test session.

Each call of a function that a candidate changes is stopped where it begins. Forks of the process make the call with
the code of each version, and with variations of its arguments, so that everything around it is as the tests made it.

A candidate is known by its number, from 1 on; 0 is the base. The tests themselves run on the base.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import json
import os
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NoReturn

from .code_units import Units, are_alike, list_changed, list_units, observe_units
from .descriptions import describe
from .examples import observe_examples
from .forks import silence, wait_for
from .seen_values import SeenValues
from .version_calls import StoppedCall, open_memory, read_arguments

_HOOK = "__hydra_enter__"
# Calls of a function that are looked at, and those of them that are made with all versions.
_LOOKED_AT, _CALLS = 2_000, 30
# Of the seconds for everything, the share of what is made of one call, and the least of them; bytes of what is told of
# it, and characters of a text in that.
_CALL_SHARE, _CALL_SECONDS, _CALL_BYTES, _TEXT = 0.1, 1.5, 2_000_000, 2_000


@dataclass(frozen=True)
class Unit:
    """A function that some candidate changes, of a file below `root`."""

    file: str
    name: str


class Behaviours:
    """Makes the calls of units with all versions, and hands what comes of each to `write`."""

    def __init__(
        self,
        root: str,
        base: dict[str, str],
        candidates: dict[int, dict[str, str]],
        units: dict[str, list[str]],
        seconds: float,
        write: Callable[[dict[str, Any]], None],
    ) -> None:
        self._root = root
        self._write = write
        self._left = seconds
        self._call_seconds = max(_CALL_SECONDS, _CALL_SHARE * seconds)
        self._test = ""
        self._fails = False
        self._busy = False
        self._seen: dict[int, set[str]] = {}
        self._values: defaultdict[int, SeenValues] = defaultdict(SeenValues)
        self._looked_at: dict[int, int] = {}
        self._functions: dict[int, list[types.FunctionType]] = {}
        self._units: list[Unit] = []
        # The changed units of each version by file, and the numbers of the versions: first the base.
        self._versions: list[dict[str, Units]] = [{}]
        self._numbers = [0]
        self._originals: dict[str, Units] = {}
        self._observed: dict[str, Units] = {}
        self._base = base
        self._read_versions(candidates, units)
        setattr(builtins, _HOOK, self._enter)

    def _read_versions(self, candidates: dict[int, dict[str, str]], asked: dict[str, list[str]]) -> None:
        modules = {file: self._compile(file, text) for file, text in self._base.items()}
        self._originals = {file: list_units(module) for file, module in modules.items()}
        changed = {
            file: {unit for unit in self._originals[file] if unit.partition("#")[0] in names}
            for file, names in asked.items()
        }
        for number, texts in candidates.items():
            units: dict[str, Units] = {}
            others = False
            for file, text in texts.items():
                module = self._compile(file, text)
                names, is_other = list_changed(modules[file], module)
                code = list_units(module)
                units[file] = {name: code[name] for name in names}
                changed.setdefault(file, set()).update(names)
                others |= is_other or any(not are_alike(self._originals[file][name], code[name]) for name in names)
            self._numbers.append(number)
            self._versions.append(units)
            if others:
                self._write({"kind": "outside", "candidate": number})
        for file in sorted(changed):
            names = sorted(changed[file])
            numbers = {name: len(self._units) + place for place, name in enumerate(names)}
            self._units += [Unit(file, name) for name in names]
            self._observed[file] = observe_units(self._base[file], self._locate(file), _HOOK, numbers)

    def _compile(self, file: str, text: str) -> types.CodeType:
        return compile(text, self._locate(file), "exec", dont_inherit=True)

    def _locate(self, file: str) -> str:
        return os.path.join(self._root, file)  # noqa: PTH118

    def begin_test(self, test: str, *, fails: bool) -> None:
        """Observe what has been imported meanwhile, and attribute the calls from now on to a test."""
        self._test, self._fails = test, fails
        waiting = [number for number in range(len(self._units)) if not self._functions.get(number)]
        if waiting:
            self._observe(waiting)

    def _observe(self, waiting: list[int]) -> None:
        """Have the functions of units call the hook."""
        places = {}
        for number in waiting:
            unit = self._units[number]
            code = self._originals[unit.file][unit.name]
            places[self._locate(unit.file), code.co_name, code.co_firstlineno] = number
        files = {file for file, _, _ in places}
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and thing.__code__.co_filename in files:
                code = thing.__code__
                number = places.get((code.co_filename, code.co_name, code.co_firstlineno), -1)
                if number >= 0:
                    unit = self._units[number]
                    observed = self._observed[unit.file][unit.name]
                    if observed.co_freevars == code.co_freevars:
                        thing.__code__ = observed
                        self._functions.setdefault(number, []).append(thing)

    def _enter(self, number: int) -> None:
        """Take a call of a unit, from its first line."""
        if self._busy or self._left <= 0 or len(self._seen.get(number, ())) >= _CALLS:
            return
        looked_at = self._looked_at[number] = self._looked_at.get(number, 0) + 1
        if looked_at > _LOOKED_AT:
            return
        self._busy = True
        began = time.monotonic()
        try:
            frame = sys._getframe(1)
            arguments = read_arguments(frame)
            text = ", ".join(f"{name}={describe(value)}" for name, value in arguments)
            seen = self._seen.setdefault(number, set())
            if text not in seen:
                seen.add(text)
                self._run_call(number, frame)
                # What a failing test gives would show its fault once more.
                if not self._fails:
                    self._values[number].add(arguments)
        finally:
            self._busy = False
            self._left -= time.monotonic() - began

    def _run_call(self, number: int, frame: types.FrameType) -> None:
        """Make a call in a fork, which makes it with each version in forks of its own."""
        seconds = min(self._call_seconds, self._left)
        with open_memory() as descriptor:
            if (pid := os.fork()) == 0:
                self._compare(number, frame, descriptor, time.monotonic() + seconds)
            status = wait_for(pid, seconds + 2 * self._call_seconds)
            lines = os.pread(descriptor, _CALL_BYTES, 0).splitlines()
        if status:
            # A candidate has killed what calls it: what others have done is not on record.
            self._write({"kind": "disturbed"})
        unit = self._units[number]
        for line in lines:
            try:
                compared = json.loads(line)
            except ValueError:
                continue  # cut, since its time was up
            self._tell(
                unit,
                self._test,
                compared["outcomes"],
                call=compared["arguments"],
                change=compared["changed"],
                setup=compared["setup"],
                code=compared["code"],
                # Empty where nothing could be written.
                results=dict(zip(self._numbers, compared["results"], strict=False)),
            )

    def _tell(
        self, unit: Unit, test: str, outcomes: Sequence[str], *, call: str, change: str = "", **more: object
    ) -> None:
        """Write down what came of a call of a test with each version."""
        self._write(
            {
                "kind": "behaviour",
                "file": unit.file,
                "unit": unit.name,
                "test": test,
                "call": call[:_TEXT],
                "change": change[:_TEXT],
                "outcomes": dict(zip(self._numbers, outcomes, strict=True)),
                **more,
            }
        )

    def run_examples(self, documents: dict[str, str]) -> None:
        """Make the examples in the docstrings of changed files, and in documents, with all versions."""
        if self._left <= 0:
            return
        paths = {self._locate(file): file for file in self._base}
        modules = {}
        for module in list(sys.modules.values()):
            # Asked for an attribute, some modules import others, which may not be there.
            path = vars(module).get("__file__") if isinstance(module, types.ModuleType) else None
            if type(path) is str and path in paths:
                modules[paths[path]] = module
        for example in observe_examples(modules, documents, self._list_versions(), self._left):
            self._tell(
                Unit(example["file"], example["name"]),
                f"an example in the documentation of {example['name']}",
                example["outcomes"],
                call=example["source"],
                setup="",
                code=example["source"][:_TEXT],
                results={},
                fails=[self._numbers[position] for position in example["fails"]],
            )

    def _compare(self, number: int, frame: types.FrameType, descriptor: int, deadline: float) -> NoReturn:
        try:
            silence()
            # What the collector leaves alone stays shared with the forks.
            gc.freeze()
            call = StoppedCall(
                self._find_function(number, frame),
                frame,
                self._list_codes(number),
                self._values[number],
            )
            for compared in call.compare(self._list_versions(), deadline):
                os.write(descriptor, json.dumps(asdict(compared)).encode() + b"\n")
        finally:
            os._exit(0)

    def _list_versions(self) -> list[Callable[[], None]]:
        """Return what gives the functions the code of each version, first of the base."""
        return [partial(self._take_code, units) for units in self._versions]

    def _list_codes(self, number: int) -> Iterator[types.CodeType]:
        """Yield the code of a unit in each version that changes it, and at the base."""
        unit = self._units[number]
        for version in self._versions:
            if code := version.get(unit.file, {}).get(unit.name):
                yield code
        yield self._originals[unit.file][unit.name]

    def _find_function(self, number: int, frame: types.FrameType) -> types.FunctionType:
        return next(
            function
            for function in self._functions[number]
            if function.__code__ is frame.f_code and function.__globals__ is frame.f_globals
        )

    def _take_code(self, version: dict[str, Units]) -> None:
        """Give all observed functions the code of a version."""
        for number, functions in self._functions.items():
            unit = self._units[number]
            original = self._originals[unit.file][unit.name]
            code = version.get(unit.file, {}).get(unit.name, original)
            for function in functions:
                with contextlib.suppress(ValueError):  # a closure over other variables
                    function.__code__ = code


@dataclass(frozen=True)
class SessionComparison:
    """What a session compares: the `first` of its tests fail at the base, and `documents` may hold examples."""

    behaviours: Behaviours
    first: frozenset[str]
    documents: dict[str, str]

    def begin_test(self, test: str) -> None:
        """Attribute the calls from now on to a test."""
        self.behaviours.begin_test(test, fails=test in self.first)

    def end(self) -> None:
        """Make the examples of docstrings and documents, while what the tests have imported is there."""
        self.behaviours.run_examples(self.documents)


def load_comparison(file: str, write: Callable[[dict[str, Any]], None]) -> SessionComparison:
    """Return the comparison that a file asks for, which hands what comes of calls to `write`."""
    with open(file) as lines:  # noqa: PTH123
        request = json.load(lines)
    candidates = {int(number): texts for number, texts in request["candidates"].items()}
    behaviours = Behaviours("/work", request["base"], candidates, request["units"], request["seconds"], write)
    return SessionComparison(behaviours, frozenset(request["first"]), request["documents"])
