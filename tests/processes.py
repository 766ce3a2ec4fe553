"""What runs on this machine, whose processes may end while they are looked at."""

import contextlib

import psutil


def read_command(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty when it has ended, also where nobody has waited for it yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []
