"""What the sandboxes of a worker use together: their number, memory, processor time and disk, by backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from activities.node.running_sandboxes import ask_engine, list_processes
from activities.sandbox import cgroups


@dataclass(frozen=True)
class SandboxUse:
    """What one sandbox uses: memory in bytes, and since its start seconds of processors and bytes of disk."""

    memory: int = 0
    cpu_seconds: float = 0.0
    read: int = 0
    written: int = 0


@dataclass
class SandboxTotals:
    """The sandboxes of a backend that there are, and what all that were seen have used since the worker began."""

    number: int = 0
    memory: int = 0
    cpu_seconds: float = 0.0
    read: int = 0
    written: int = 0
    _before: dict[str, SandboxUse] = field(default_factory=dict)

    def add(self, uses: Mapping[str, SandboxUse]) -> None:
        """Take in what the sandboxes use now, each by its name; what one used before it was last seen stays."""
        for name, use in uses.items():
            before = self._before.get(name, SandboxUse())
            # Less than before is the sum over processes, of which one has ended.
            self.cpu_seconds += max(0.0, use.cpu_seconds - before.cpu_seconds)
            self.read += max(0, use.read - before.read)
            self.written += max(0, use.written - before.written)
        self.number = len(uses)
        self.memory = sum(use.memory for use in uses.values())
        self._before = dict(uses)


class SandboxMeter:
    """A look at the sandboxes of this process, repeated for as long as it is wanted; `totals` are by backend."""

    def __init__(self) -> None:
        self.totals: dict[str, SandboxTotals] = {"docker": SandboxTotals(), "bubblewrap": SandboxTotals()}

    def look(self) -> None:
        """Take in what the sandboxes use now; it may take as long as Docker's engine takes to answer."""
        self.totals["docker"].add(_read_containers())
        self.totals["bubblewrap"].add(dict(_read_processes()))


def _read_containers() -> dict[str, SandboxUse]:
    nothing: dict[str, dict[str, Any]] = {}
    answers = ask_engine(lambda engine: engine.read_stats(), nothing)
    return {name: _read_container(answer) for name, answer in answers.items()}


def _read_container(answer: dict[str, dict[str, object]]) -> SandboxUse:
    """Return what the engine reads from the container's control group."""
    memory, processor, disk = (answer.get(name) or {} for name in ("memory_stats", "cpu_stats", "blkio_stats"))
    usage = processor.get("cpu_usage")
    nanoseconds = usage.get("total_usage", 0) if isinstance(usage, dict) else 0
    sums = {"read": 0, "write": 0}
    entries = disk.get("io_service_bytes_recursive")
    for entry in entries if isinstance(entries, list) else ():
        operation = str(entry.get("op", "")).lower()
        if operation in sums:
            sums[operation] += int(entry.get("value", 0))
    held = memory.get("usage", 0)
    return SandboxUse(
        memory=held if isinstance(held, int) else 0,
        cpu_seconds=int(nanoseconds) / 1e9,
        read=sums["read"],
        written=sums["write"],
    )


def _read_processes() -> Iterator[tuple[str, SandboxUse]]:
    """Yield the sandboxes of bubblewrap: by their control groups, and where there are none by their processes."""
    groups = {process: use for use, processes in cgroups.read_groups() for process in processes}
    for child in list_processes():
        try:
            family = [child, *child.children(recursive=True)]
        except psutil.Error:
            continue  # It has ended meanwhile.
        group = next((groups[process.pid] for process in family if process.pid in groups), {})
        yield str(child.pid), _complete(_sum_processes(family), group)


def _complete(use: SandboxUse, group: Mapping[str, float]) -> SandboxUse:
    """Return what the processes use together, with the figures of their control group where it has them."""
    return SandboxUse(
        memory=int(group.get("memory", use.memory)),
        cpu_seconds=group.get("cpu_seconds", use.cpu_seconds),
        read=int(group.get("read", use.read)),
        written=int(group.get("written", use.written)),
    )


def _sum_processes(processes: list[psutil.Process]) -> SandboxUse:
    memory, seconds, read, written = 0, 0.0, 0, 0
    for process in processes:
        try:
            with process.oneshot():
                times, disk = process.cpu_times(), process.io_counters()
                memory += process.memory_info().rss
        except psutil.Error:
            continue
        seconds += times.user + times.system
        read += disk.read_bytes
        written += disk.write_bytes
    return SandboxUse(memory, seconds, read, written)
