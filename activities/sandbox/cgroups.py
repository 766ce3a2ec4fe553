"""Control groups: limits on memory, CPU and processes of a whole bubblewrap sandbox.

Version 2 is used where this process's group or its parent can be divided (delegated by systemd, or as root), and
version 1 where it is writable. Where neither is, no group is made and only the limits per process hold.
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
# The kernel's default period of the CPU quota, in microseconds.
_PERIOD = 100_000
# After a kill the kernel may take this long, in seconds, to let a group go.
_REMOVE_SECONDS = 60.0
_number = itertools.count()


class ControlGroup:
    """The group of one sandbox: `folders` by controller, all the same one in version 2."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def add(self, process: int) -> None:
        """Put a process, with all that it starts from now on, under the limits; ignore one that is gone."""
        for folder in set(self._folders.values()):
            with suppress(ProcessLookupError):
                (folder / "cgroup.procs").write_text(str(process))

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel killed a process because the group's memory was used up."""
        folder = self._folders["memory"]
        for name in ("memory.events", "memory.oom_control"):
            with suppress(OSError):
                counts = dict(line.split(None, 1) for line in (folder / name).read_text().splitlines())
                return int(counts.get("oom_kill", "0")) > 0
        return False


@contextmanager
def open_group(limits: Limits) -> Iterator[ControlGroup | None]:
    """Open a group with these limits, None without cgroups; its processes are killed when the block is left."""
    parents = _find_parents()
    if parents is None:
        yield None
        return
    folders = {name: parent / f"hydra-{os.getpid()}-{next(_number)}" for name, parent in parents.items()}
    try:
        for folder in set(folders.values()):
            folder.mkdir()
        _write_limits(folders, limits)
        yield ControlGroup(folders)
    finally:
        for folder in set(folders.values()):
            _remove(folder)


def is_available() -> bool:
    """Return whether groups can be made here."""
    return _find_parents() is not None


def read_groups() -> list[tuple[dict[str, float], list[int]]]:
    """Return what each group of this process uses, and its processes.

    Figures are memory, read and written in bytes, and cpu_seconds; one that the kernel does not count is left out.
    """
    parents = _find_parents()
    groups = []
    for folder in parents["memory"].glob(f"hydra-{os.getpid()}-*") if parents else ():
        folders = {name: parent / folder.name for name, parent in (parents or {}).items()}
        with suppress(OSError, ValueError):
            processes = [int(line) for line in (folder / "cgroup.procs").read_text().split()]
            groups.append((dict(_read_figures(folders)), processes))
    return groups


def _read_figures(folders: Mapping[str, Path]) -> Iterator[tuple[str, float]]:
    for name in ("memory.current", "memory.usage_in_bytes"):
        with suppress(OSError):
            yield "memory", float((folders["memory"] / name).read_text())
    with suppress(OSError):
        yield "cpu_seconds", float((folders["cpu"] / "cpuacct.usage").read_text()) / 1e9
    with suppress(OSError):
        lines = dict(line.split(None, 1) for line in (folders["cpu"] / "cpu.stat").read_text().splitlines())
        if "usage_usec" in lines:
            yield "cpu_seconds", float(lines["usage_usec"]) / 1e6
    with suppress(OSError):
        words = (folders["memory"] / "io.stat").read_text().split()  # empty where the kernel does not count it
        for name, key in (("read", "rbytes="), ("written", "wbytes=")) if words else ():
            yield name, float(sum(int(word.removeprefix(key)) for word in words if word.startswith(key)))


@functools.cache
def _find_parents() -> Mapping[str, Path] | None:
    limits = Limits(seconds=1, memory_mb=64, processes=8, file_mb=1, disk_mb=1, output_kb=1)
    for parents in _list_parents():
        folders = {name: parent / f"hydra-{os.getpid()}-probe" for name, parent in parents.items()}
        try:
            for parent in set(parents.values()):
                _remove_stale(parent)
            for folder in set(folders.values()):
                folder.mkdir()
            # Permissions do not tell: a group may be writable while its controllers are not delegated.
            _write_limits(folders, limits)
        except OSError:
            continue
        else:
            return parents
        finally:
            for folder in set(folders.values()):
                _remove(folder)
    return None


def _list_parents() -> Iterator[Mapping[str, Path]]:
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
        if (_ROOT / "cgroup.controllers").exists():
            here = _ROOT / own[""].lstrip("/")
            # In version 2 a group that has processes cannot have limited children, so it is often the parent.
            for parent in (here, here.parent):
                if parent.is_relative_to(_ROOT):
                    yield dict.fromkeys(_CONTROLLERS, parent)
            return
        paths = {name: path for names, path in own.items() for name in names.split(",")}
        yield {name: _ROOT / name / paths[name].lstrip("/") for name in _CONTROLLERS}


def _write_limits(folders: Mapping[str, Path], limits: Limits) -> None:
    memory, quota = limits.memory_mb << 20, int(limits.cpus * _PERIOD)
    (folders["pids"] / "pids.max").write_text(str(limits.processes))
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
    # The file is missing where the kernel does not account for swap.
    if swap.exists():
        swap.write_text(without_swap)


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob("hydra-*-*"):
        owner = folder.name.split("-")[1]
        if not Path("/proc", owner).exists():
            with suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        # The kernel still counts processes that were just killed; no job waits for that.
        threading.Thread(target=_kill_and_remove, args=(folder,), daemon=True).start()


def _kill_and_remove(folder: Path) -> None:
    deadline = time.monotonic() + _REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        with suppress(OSError):
            for process in (folder / "cgroup.procs").read_text().split():
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.02)
        with suppress(OSError):
            folder.rmdir()
