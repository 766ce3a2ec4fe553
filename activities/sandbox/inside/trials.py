"""Tries candidates in a warm interpreter: pytest is imported once and forked for each.

Where possible the fork happens late, in a session that is configured and has loaded its conftest files;
candidates that change what is loaded by then start from an interpreter that has imported only pytest.

Reads /inputs/trials.json: `arguments` (of pytest), `path` (what to put in front of sys.path), `targets` (the
tests that must pass first), `hanging` (those that must pass next), `expected` (those that must pass too),
`test_seconds`, `cpu_seconds`, `target_seconds` and `all_seconds` (for one test, the targets and all tests),
`seconds` (for everything), `more_seconds` (for others once one has passed); and /inputs/candidates.jsonl: per
line `index` and `changes` (path to text, null for no file).

Appends to /results, per candidate, a line `candidate` followed by the lines of its recorder. Once a candidate
passes everything the others have little time left; when none does, the best runs once more, with tracebacks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import inspect
import json
import linecache
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn

import _pytest.config
import pytest

from .children import kill_others, wait
from .files import WORK, Original, write
from .recorder import Alone, Recorder

RECORDS_LIMIT = 16_000_000
# No file of a checkout is as new as this.
_LATER = (1 << 32) - 1

Candidate = dict[str, Any]
Record = dict[str, Any]
Child = Callable[["TrialRecorder"], NoReturn]


class TrialRecorder(Alone, Recorder):
    """Records the tests of one candidate, only those in `only` unless that is None, as fast as it can.

    The first test that hangs ends the session and the process ends with it; telling tracebacks would cost
    more than most tests and is left out if `brief`.
    """

    def __init__(self, results: int, request: dict[str, Any], only: Collection[str] | None, brief: bool) -> None:
        super().__init__(results, request["test_seconds"], request["cpu_seconds"])
        self._only = None if only is None else frozenset(only)
        self._files = {_file(test) for test in only or ()}
        self._brief = brief

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        """Leave out the files and folders without a wanted test: importing them is what costs."""
        if self._only is None or not collection_path.is_relative_to(config.rootpath):
            return None
        path = collection_path.relative_to(config.rootpath).as_posix()
        wanted = path == "." or any(file == path or file.startswith(f"{path}/") for file in self._files)
        return None if wanted else True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the wanted tests."""
        if self._only is None:
            return
        wanted = [item for item in items if {item.nodeid, _file(item.nodeid)} & self._only]
        kept = set(wanted)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = wanted

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Tell an exception without its traceback."""
        if self._brief:
            item.repr_failure = _briefly  # type: ignore[method-assign]

    def hung(self, item: pytest.Item) -> None:
        """End the session."""
        item.session.shouldstop = "a test timed out"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> NoReturn:
        """Record the end and exit: nobody needs the summary or the clean-up."""
        super().pytest_sessionfinish(exitstatus)
        os._exit(0)


class Trials:
    """The candidates that are left, what they have to pass, and the time that is left."""

    def __init__(self, request: dict[str, Any], candidates: list[Candidate], results: int) -> None:
        self.request = request
        self.left = self._all = candidates
        self._passed = False
        self._results = results
        self._deadline = time.monotonic() + request["seconds"]
        self.begin()
        self._fewest: int | None = None
        self._untold: int | None = None

    def begin(self) -> None:
        """Take the work tree as it is now for what it is put back to after every candidate."""
        self._original = Original()

    def run(self, child: Child, suits: Callable[[Candidate], bool]) -> None:
        """Try the candidates that suit, each in forks that go on with `child`."""
        skipped = []
        for number, candidate in enumerate(self.left):
            if time.monotonic() > self._deadline:
                skipped += self.left[number:]
                break
            if suits(candidate):
                self._try(candidate, child)
            else:
                skipped.append(candidate)
        self.left = skipped

    def state(self) -> bytes:
        """What another process needs to go on."""
        left = [candidate["index"] for candidate in self.left]
        return json.dumps([left, self._passed, self._deadline, self._fewest, self._untold]).encode()

    def resume(self, state: bytes) -> None:
        """Go on where another process has stopped."""
        left, self._passed, self._deadline, self._fewest, self._untold = json.loads(state)
        wanted = set(left)
        self.left = [candidate for candidate in self.left if candidate["index"] in wanted]

    def retell(self, child: Child) -> None:
        """Run the best candidate of those that failed once more, with tracebacks."""
        for candidate in self._all:
            if candidate["index"] == self._untold and not self._passed:
                self._try(candidate, child, brief=False)

    # A forked child leaves these functions by an exception: nothing here may catch it or clean up after it.

    def _try(self, candidate: Candidate, child: Child, brief: bool = True) -> None:
        changes = candidate["changes"]
        records: list[Record] = []
        stage, failing = "targets", len(self.request["targets"]) + len(self.request["hanging"])
        reason = _written(changes)
        if any(text is None or not os.path.lexists(f"/tree/{path}") for path, text in changes.items()):
            importlib.invalidate_caches()
        if not reason:
            stage, records, reason, failing = self._run(child, brief)
        self._original.restore()
        if self._fewest is None or failing < self._fewest:
            # One that had to be killed would tell no more the second time.
            self._fewest, self._untold = failing, None if reason else candidate["index"]
        head = {"kind": "candidate", "index": candidate["index"], "stage": stage, "reason": reason}
        lines = b"".join(json.dumps(record).encode() + b"\n" for record in [head, *records])
        while lines:
            lines = lines[os.write(self._results, lines) :]

    def _run(self, child: Child, brief: bool) -> tuple[str, list[Record], str, int]:
        """Which tests ran, what was recorded, why it had to be ended, and how many wanted tests did not pass."""
        request = self.request
        wanted = {*request["targets"], *request["hanging"]}
        records: list[Record] = []
        for targets in filter(None, (request["targets"], request["hanging"])):
            more, reason = self._fork(child, targets, request["target_seconds"], brief)
            records += more
            failing = len(wanted - _passed(records))
            if reason or set(targets) - _passed(more):
                return "targets", records, reason, failing
        records, reason = self._fork(child, None, request["all_seconds"], brief)
        failing = len((wanted | set(request["expected"])) - _passed(records))
        clean = any(record.get("kind") == "finish" and record.get("status") == 0 for record in records)
        if not reason and clean and not failing and not self._passed:
            self._passed = True
            self._deadline = min(self._deadline, time.monotonic() + self.request["more_seconds"])
        return "all", records, reason, failing

    def _fork(self, child: Child, only: list[str] | None, seconds: float, brief: bool) -> tuple[list[Record], str]:
        """What was recorded in a forked child, and the reason when the child did not end by itself."""
        seconds = min(seconds, max(1.0, self._deadline - time.monotonic()))
        descriptor = os.memfd_create("records")
        pid = os.fork()
        if pid == 0:
            _quiet()
            child(TrialRecorder(descriptor, self.request, only, brief))
        reason = wait(pid, seconds)
        records = _parse(os.pread(descriptor, RECORDS_LIMIT, 0))
        os.close(descriptor)
        return records, reason


class Proceed(BaseException):
    """Carries the recorder with which a forked child goes on, past everything but the session's plugin."""

    def __init__(self, recorder: TrialRecorder) -> None:
        super().__init__()
        self.recorder = recorder


class LateFork(Alone):
    """A pytest plugin that tries candidates from a session about to collect its tests."""

    def __init__(self, trials: Trials, report: int) -> None:
        self._trials = trials
        self._report = report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """In this process try the candidates and end; in a forked child register its recorder and go on."""
        signal.alarm(0)
        _collect_once(session, self._trials.request["target_seconds"])
        self._trials.begin()
        _warm_up()
        loaded = _loaded()
        try:
            self._trials.run(_proceed, lambda candidate: _is_fresh(candidate["changes"], loaded))
        except Proceed as proceed:
            session.config.pluginmanager.register(proceed.recorder, "hydra-recorder")
            return
        os.write(self._report, self._trials.state())
        os._exit(0)


def main() -> None:
    """Try all candidates, with late forks first."""
    inputs = Path("/inputs")
    request = json.loads((inputs / "trials.json").read_text())
    with (inputs / "candidates.jsonl").open() as lines:
        candidates = [json.loads(line) for line in lines]
    sys.path[:0] = request["path"]
    sys.argv[:] = ["pytest", *request["arguments"]]
    for name in _pytest.config.default_plugins:
        importlib.import_module(f"_pytest.{name}")
    _warm_up()
    trials = Trials(request, candidates, os.open("/results", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    _late_forks(trials)

    def whole_run(recorder: TrialRecorder) -> NoReturn:
        pytest.main(request["arguments"], plugins=[recorder])
        os._exit(0)

    trials.run(whole_run, lambda candidate: True)  # noqa: ARG005
    trials.retell(whole_run)


def _late_forks(trials: Trials) -> None:
    """Run a session that forks late; what it could not try stays in `trials.left`."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _quiet()
        # A conftest.py that hangs: the alarm is off again when the session is about to collect.
        signal.alarm(int(trials.request["target_seconds"]) + 1)
        pytest.main(trials.request["arguments"], plugins=[LateFork(trials, writing)])
        os._exit(1)
    os.close(writing)
    os.waitpid(pid, 0)
    kill_others()
    with os.fdopen(reading, "rb") as file:
        report = file.read()
    if report:
        trials.resume(report)


def _collect_once(session: pytest.Session, seconds: float) -> None:
    """Let a child collect the tests, then import what it has imported from outside of /work.

    The bytecode that it leaves spares every later child from compiling what its candidate does not change.
    """
    descriptor = os.memfd_create("modules")
    pid = os.fork()
    if pid == 0:
        sys.dont_write_bytecode = False
        before = set(sys.modules)
        try:
            session.perform_collect()
        finally:
            files = {name: getattr(sys.modules[name], "__file__", None) or "" for name in sys.modules.keys() - before}
            os.write(descriptor, json.dumps([name for name, file in files.items() if _is_library(file)]).encode())
            os._exit(0)
    wait(pid, seconds)
    named = os.pread(descriptor, RECORDS_LIMIT, 0)
    os.close(descriptor)
    for name in json.loads(named or b"[]"):
        # It may be a module that only exists once another one was imported.
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _is_library(file: str) -> bool:
    return file.startswith(("/env/", os.path.realpath(sys.base_prefix)))


def _proceed(recorder: TrialRecorder) -> NoReturn:
    linecache.clearcache()
    raise Proceed(recorder)


def _warm_up() -> None:
    """Fill the caches that every child would fill again: folders on sys.path, and modules by their files.

    Frozen objects are left alone by the children's garbage collector, so their pages stay shared.
    """
    importlib.util.find_spec("hydra_inside_nowhere")
    inspect.getmodule(main.__code__)
    gc.collect()
    gc.freeze()


def _written(changes: dict[str, str | None]) -> str:
    """Write a candidate's files; the reason when that cannot be done."""
    try:
        write(changes)
        # Bytecode is told from its source's by time and size alone.
        for name in (name for name, text in changes.items() if text is not None):
            os.utime(WORK / name, (_LATER, _LATER))
    except OSError as error:
        return f"its files cannot be written: {error.strerror}"
    return ""


def _loaded() -> set[str]:
    """The files below /work that this process has imported."""
    files = {os.path.realpath(getattr(module, "__file__", None) or "/") for module in list(sys.modules.values())}
    return {file.removeprefix("/work/") for file in files if file.startswith("/work/")}


def _is_fresh(changes: dict[str, str | None], loaded: set[str]) -> bool:
    """Whether nothing that changes can have been read by this process."""
    return all(path.endswith(".py") and path not in loaded for path in changes)


def _quiet() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def _parse(data: bytes) -> list[Record]:
    records = []
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def _passed(records: list[Record]) -> set[str]:
    """The tests that passed and their files: one that could not be collected passes with its tests."""
    tests = {str(r.get("id")) for r in records if r.get("kind") == "test" and r.get("outcome") == "passed"}
    return tests | {_file(test) for test in tests}


def _file(test: str) -> str:
    return test.split("::", 1)[0]


def _briefly(excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG001
    return excinfo.exconly()


if __name__ == "__main__":
    main()
