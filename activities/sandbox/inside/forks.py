"""Forked child processes: run, waited for, and killed with everything that they started."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

# Enough for the records of a run with all its messages; a child cannot fill the parent's memory.
BYTES_LIMIT = 64_000_000
# Processes may multiply while they are killed; each round finds the new ones.
_ROUNDS = 20


def run_forked(child: Callable[[int], object], seconds: float) -> tuple[bytes, str]:
    """Run `child` in a forked process and return what it wrote to its descriptor, and why it had to be ended.

    The reason is empty when the process ended by itself within `seconds`. The child must not return. It may leave
    by an exception, so nothing here or in a caller may catch one or clean up after it.
    """
    descriptor = os.memfd_create("records")
    pid = os.fork()
    if pid == 0:
        silence()
        child(descriptor)
    reason = _wait(pid, seconds)
    written = os.pread(descriptor, BYTES_LIMIT, 0)
    os.close(descriptor)
    return written, reason


def silence() -> None:
    """Connect the standard streams of this process to /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def kill_others() -> None:
    """Kill every process of the sandbox but init, this one and its parent."""
    spared = {1, os.getpid(), os.getppid()}
    for _ in range(_ROUNDS):
        others = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()} - spared
        if not others:
            return
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def wait_for(pid: int, seconds: float) -> int | None:
    """Wait for a forked process, and return its exit status, negative where a signal has ended it.

    None where the time was up, so that it was killed, with its session where it has one.
    """
    descriptor = os.pidfd_open(pid)
    ended = bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    os.close(descriptor)
    if not ended:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) if ended else None


def _wait(pid: int, seconds: float) -> str:
    status = wait_for(pid, seconds)
    kill_others()
    if status is None:
        return f"timed out after {seconds:.0f} s"
    if status < 0:
        return f"the test process was killed by {signal.Signals(-status).name}"
    return ""
