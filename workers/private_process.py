"""Processes in namespaces of their own: no network leads to them, and they end with the process that starts them.

They see the machine's files as their starter does. To themselves they are an ordinary user, also where root starts
them: PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import psutil

from activities.sandbox.bubblewrap import LOST_MOUNT, find_program

# The process's user inside, whom no other user of the machine can be mistaken for: the kernel shows those as 65534.
USER = "hydranet"
_USER_ID = 1000

# For a process to end before it is killed.
END_SECONDS = 20


@cache
def are_namespaces_allowed() -> bool:
    """Return whether this machine lets its users make namespaces."""
    command = [find_program(), *_options(), "/usr/bin/true"]
    while True:
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if LOST_MOUNT not in done.stderr:
            return done.returncode == 0


def wrap(command: Sequence[str], *options: str) -> list[str]:
    """Return the command line that runs `command` in namespaces, with further options of bubblewrap."""
    return [find_program(), *_options(), *options, "--", *command]


def find_inner(pid: int) -> psutil.Process | None:
    """Return the command inside the wrapped process of that id, as processes outside see it; None when it has ended."""
    with contextlib.suppress(psutil.Error, IndexError):
        return psutil.Process(pid).children()[0]
    return None


class Process(Protocol):
    """What can be ended: a process of asyncio, or one that is known in another way."""

    @property
    def returncode(self) -> int | None:
        """How it has ended, None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it by force."""

    async def wait(self) -> Any:
        """Wait until it has ended."""


async def end(process: Process, inner: psutil.Process | None = None) -> None:
    """End a process, or what it wraps, and wait for it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        (inner or process).terminate()
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def write_user_file(folder: Path) -> Path:
    """Write the file of users that a process inside is shown, in which it has a name."""
    file = folder / "passwd"
    file.write_text(f"{USER}:x:{_USER_ID}:{_USER_ID}::/:/bin/sh\n")
    return file


def _options() -> list[str]:
    return [
        *("--unshare-user", "--unshare-net", "--unshare-pid", "--as-pid-1", "--die-with-parent"),
        *("--uid", str(_USER_ID), "--gid", str(_USER_ID)),
        *("--dev-bind", "/", "/", "--proc", "/proc", "--chdir", "/"),
    ]
