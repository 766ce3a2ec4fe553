"""Containers that wait, filled and started, for the next attempt on the same tree.

Each serves one job, so nothing of one attempt is there for the next; the pool makes another in its place.
"""

from __future__ import annotations

import asyncio
import logging
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

# What waits longer is not needed: the run is over, or it works on another tree.
IDLE_SECONDS = 300.0
# For how many trees containers wait at the same time: the base and the checkpoints that branches work on.
TREES = 4
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContainerKind:
    """What a container is made for: all that cannot be changed once it is there."""

    tree: Path
    environment: Path | None
    limits: Limits

    @classmethod
    def of(cls, job: Job) -> ContainerKind:
        """The kind of container that can do a job; time and output are limited from outside."""
        return cls(job.tree, job.environment, replace(job.limits, seconds=0.0, output_kb=0))


@dataclass(frozen=True)
class Waiting:
    """A container at the door, and the folder of the host that holds its `inputs` and `results`."""

    kind: ContainerKind
    container: Container
    slot: Path
    since: float

    async def remove(self) -> None:
        """End it."""
        try:
            await self.container.remove()
        finally:
            await asyncio.to_thread(shutil.rmtree, self.slot, ignore_errors=True)


class Pool:
    """`size` waiting containers per kind, made by `make`, idle ones ended after a while."""

    def __init__(self, make: Callable[[ContainerKind], Awaitable[Waiting]], size: int) -> None:
        self._make = make
        self._size = size
        self._waiting: deque[Waiting] = deque()
        self._filling: dict[asyncio.Task[None], ContainerKind] = {}

    async def take(self, kind: ContainerKind) -> Waiting:
        """A container of that kind: one that waits, or a new one."""
        for waiting in [one for one in self._waiting if one.kind == kind]:
            self._waiting.remove(waiting)
            if waiting.container.alive:
                return waiting
            await waiting.remove()
        return await self._make(kind)

    def refill(self, kind: ContainerKind) -> None:
        """Have containers of that kind made until enough of them wait, while others work."""
        there = sum(one.kind == kind for one in self._waiting) + list(self._filling.values()).count(kind)
        for _ in range(self._size - there):
            task = asyncio.ensure_future(self._fill(kind))
            self._filling[task] = kind
            task.add_done_callback(self._filling.pop)

    async def reap(self) -> None:
        """End what has waited too long, and the oldest when there are too many."""
        now = time.monotonic()
        while self._waiting and (
            now - self._waiting[0].since > IDLE_SECONDS or len(self._waiting) > TREES * self._size
        ):
            await self._waiting.popleft().remove()

    async def close(self) -> None:
        """End all."""
        for task in list(self._filling):
            task.cancel()
        await asyncio.gather(*self._filling, return_exceptions=True)
        while self._waiting:
            await self._waiting.popleft().remove()

    async def _fill(self, kind: ContainerKind) -> None:
        # The next job makes its own then, and says what is wrong.
        with suppress(HydraError):
            self._waiting.append(await self._make(kind))
            await self.reap()
