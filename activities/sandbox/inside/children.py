"""Child processes: waited for, and ended with all that they started."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path


def wait(pid: int, seconds: float) -> str:
    """Wait for a child, end it and all that it started; the reason when it did not end by itself."""
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


def kill_others() -> None:
    """Kill every process of the sandbox but the first, this one and its parent, also while they multiply."""
    spared = {1, os.getpid(), os.getppid()}
    for _ in range(20):
        others = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()} - spared
        if not others:
            return
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
