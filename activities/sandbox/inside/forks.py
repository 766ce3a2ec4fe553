"""Forked child processes: run, waited for, and killed with everything that they started."""

from __future__ import annotations

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


def _wait(pid: int, seconds: float) -> str:
    descriptor = os.pidfd_open(pid)
    ended = bool(select.select([descriptor], [], [], seconds)[0])
    os.close(descriptor)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    kill_others()
    if not ended:
        return f"timed out after {seconds:.0f} s"
    if os.WIFSIGNALED(status):
        return f"the test process was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return ""
