"""Warm containers: started and filled ahead for the next job on the same tree.

Each serves one job, so an attempt leaves nothing to the next one; the pool starts another in its place.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from activities.sandbox.container import Container
from activities.sandbox.protocol import Job, Limits
from hydranet.errors import HydraError

# A container unused for longer is not needed: the run is over, or it works on another tree.
IDLE_SECONDS = 300.0
# The trees with warm containers at a time: the base and the checkpoints that branches work on.
TREES = 4


@dataclass(frozen=True)
class ContainerKind:
    """All about a container that cannot change once it is started."""

    tree: Path
    environment: Path | None
    limits: Limits

    @classmethod
    def of(cls, job: Job) -> ContainerKind:
        """Return the kind of container that can run a job."""
        # Time and output are limited from outside, so jobs that differ only there share containers.
        return cls(job.tree, job.environment, replace(job.limits, seconds=0.0, output_kb=0))


@dataclass(frozen=True)
class WarmContainer:
    """A container that waits for a job, and the folder on the host with its `inputs` and `results`."""

    kind: ContainerKind
    container: Container
    folder: Path
    since: float

    async def remove(self) -> None:
        """End the container and delete its folder."""
        try:
            await self.container.remove()
        finally:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


class ContainerPool:
    """Up to `size` warm containers per kind, started by `start`."""

    def __init__(self, start: Callable[[ContainerKind], Awaitable[WarmContainer]], size: int) -> None:
        self._start = start
        self._size = size
        self._waiting: deque[WarmContainer] = deque()
        self._filling: dict[asyncio.Task[None], ContainerKind] = {}

    async def take(self, kind: ContainerKind) -> WarmContainer:
        """Take a warm container out of the pool, or start one."""
        for warm in [warm for warm in self._waiting if warm.kind == kind]:
            self._waiting.remove(warm)
            if warm.container.alive:
                return warm
            await warm.remove()
        return await self._start(kind)

    def refill(self, kind: ContainerKind) -> None:
        """Start the missing containers of a kind in the background."""
        present = sum(warm.kind == kind for warm in self._waiting) + list(self._filling.values()).count(kind)
        for _ in range(self._size - present):
            task = asyncio.ensure_future(self._fill(kind))
            self._filling[task] = kind
            task.add_done_callback(self._filling.pop)

    async def remove_idle(self) -> None:
        """End the containers that waited too long, and the oldest when there are too many."""
        now = time.monotonic()
        while self._waiting and (
            now - self._waiting[0].since > IDLE_SECONDS or len(self._waiting) > TREES * self._size
        ):
            await self._waiting.popleft().remove()

    async def close(self) -> None:
        """End all containers."""
        for task in list(self._filling):
            task.cancel()
        await asyncio.gather(*self._filling, return_exceptions=True)
        while self._waiting:
            await self._waiting.popleft().remove()

    async def _fill(self, kind: ContainerKind) -> None:
        # On an error the next job starts its own container and reports what is wrong.
        with suppress(HydraError):
            self._waiting.append(await self._start(kind))
            await self.remove_idle()
