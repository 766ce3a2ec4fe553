"""How much a node does at the same time: as many sandboxes as its settings say or as fit, and what its cores can do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from hydranet.settings import SandboxSettings

_CGROUPS = Path("/sys/fs/cgroup")


class SandboxSlots(NamedTuple):
    """The most steps at a time: those that run tests, and beside them those that prepare environments."""

    tests: int
    preparations: int


def count_core_slots(most: int = 1000) -> int:
    """Return how many steps that need a processor are taken at a time: one per core, two at least, `most` at most.

    What is taken counts as work on the clock of its run, and what waits in a queue does not.
    """
    return min(most, max(2, _count_cores()))


def count_sandbox_slots(settings: SandboxSettings) -> SandboxSlots:
    """Return the slots of a sandbox node: by `sandbox.slots` or, where that is 0, by its memory and cores."""
    if settings.slots:
        return SandboxSlots(settings.slots, max(1, settings.slots // 4))
    fitting = int(read_free_memory() // (settings.memory_mb * 2**20))
    # A test run is one busy process as a rule: what it may use of more cores than one, it shares.
    tests = max(1, min(_count_cores(), fitting * 4 // 5))
    return SandboxSlots(tests, max(1, min(tests // 4, fitting - tests)))


def _count_cores() -> int:
    return len(os.sched_getaffinity(0))


def read_free_memory() -> int:
    """Return the memory in bytes that may still be used here: of the machine, or of the control groups around us."""
    return min([psutil.virtual_memory().available, *_list_room_in_cgroups()])


def _list_room_in_cgroups() -> Iterator[int]:
    with suppress(OSError, IndexError):
        own = Path("/proc/self/cgroup").read_text().partition("0::/")[2].splitlines()[0]
        folder = _CGROUPS / own
        for group in (folder, *folder.parents):
            if not group.is_relative_to(_CGROUPS):
                return
            with suppress(OSError, ValueError):  # "max" is no number: there is no limit.
                limit = int((group / "memory.max").read_text())
                yield max(0, limit - int((group / "memory.current").read_text()))
