"""Control groups: what all processes of a bubblewrap sandbox may use together.

Version 2, where the group of this process or the one above it may be divided by us (delegated by systemd, or
root's), and version 1. Where neither can be written to there is none, and only the limits per process hold.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from activities.sandbox.protocol import Limits

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000
_REMOVE_SECONDS = 60.0
_number = itertools.count()


class ControlGroup:
    """A group made for one sandbox: `folders` by controller, which in version 2 are all the same one."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def add(self, process: int) -> None:
        """Put a process, and what it starts from now on, under the limits; gone processes are let go."""
        for folder in set(self._folders.values()):
            with suppress(ProcessLookupError):
                (folder / "cgroup.procs").write_text(str(process))

    @property
    def starved(self) -> bool:
        """Whether the kernel ended a process because the memory was used up."""
        folder = self._folders["memory"]
        for name in ("memory.events", "memory.oom_control"):
            with suppress(OSError):
                counts = dict(line.split(None, 1) for line in (folder / name).read_text().splitlines())
                return int(counts.get("oom_kill", "0")) > 0
        return False


@contextmanager
def open_group(limits: Limits) -> Iterator[ControlGroup | None]:
    """A group with these limits until the block is left, which ends its processes; None without cgroups."""
    bases = _bases()
    if bases is None:
        yield None
        return
    folders = {name: base / f"hydra-{os.getpid()}-{next(_number)}" for name, base in bases.items()}
    try:
        for folder in set(folders.values()):
            folder.mkdir()
        _limit(folders, limits)
        yield ControlGroup(folders)
    finally:
        for folder in set(folders.values()):
            _remove(folder)


def is_available() -> bool:
    """Whether groups can be made here."""
    return _bases() is not None


@functools.cache
def _bases() -> Mapping[str, Path] | None:
    """By controller the folder in which groups can be made, tried once."""
    limits = Limits(seconds=1, memory_mb=64, processes=8, file_mb=1, disk_mb=1, output_kb=1)
    for bases in _candidates():
        folders = {name: base / f"hydra-{os.getpid()}-probe" for name, base in bases.items()}
        try:
            for base in set(bases.values()):
                _sweep(base)
            for folder in set(folders.values()):
                folder.mkdir()
            _limit(folders, limits)
        except OSError:
            continue
        else:
            return bases
        finally:
            for folder in set(folders.values()):
                _remove(folder)
    return None


def _candidates() -> Iterator[Mapping[str, Path]]:
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
        if (_ROOT / "cgroup.controllers").exists():
            here = _ROOT / own[""].lstrip("/")
            for base in (here, here.parent):
                if base.is_relative_to(_ROOT):
                    yield dict.fromkeys(_CONTROLLERS, base)
            return
        places = {name: path for names, path in own.items() for name in names.split(",")}
        yield {name: _ROOT / name / places[name].lstrip("/") for name in _CONTROLLERS}


def _limit(folders: Mapping[str, Path], limits: Limits) -> None:
    memory, quota = limits.memory_mb << 20, int(limits.cpus * _PERIOD)
    processes = str(limits.processes)
    (folders["pids"] / "pids.max").write_text(processes)
    if (folders["memory"] / "memory.max").exists():
        (folders["memory"] / "memory.max").write_text(str(memory))
        (folders["memory"] / "memory.oom.group").write_text("1")
        (folders["cpu"] / "cpu.max").write_text(f"{quota} {_PERIOD}")
        swap, without_swap = folders["memory"] / "memory.swap.max", "0"
    else:
        (folders["memory"] / "memory.limit_in_bytes").write_text(str(memory))
        (folders["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (folders["cpu"] / "cpu.cfs_quota_us").write_text(str(quota))
        swap, without_swap = folders["memory"] / "memory.memsw.limit_in_bytes", str(memory)
    # There is none where the kernel does not account for swap.
    if swap.exists():
        swap.write_text(without_swap)


def _sweep(base: Path) -> None:
    """Remove the groups of processes that are dead."""
    for folder in base.glob("hydra-*-*"):
        owner = folder.name.split("-")[1]
        if not Path("/proc", owner).exists():
            with suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    """Remove a group, in the background when the kernel does not see yet that its processes are gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        threading.Thread(target=_end, args=(folder,), daemon=True).start()


def _end(folder: Path) -> None:
    """Kill what is left in a group, until it can be removed."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        with suppress(OSError):
            for process in (folder / "cgroup.procs").read_text().split():
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.02)
        with suppress(OSError):
            folder.rmdir()
