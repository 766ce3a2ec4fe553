"""Heartbeats: an activity shows that it lives, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from temporalio import activity

from activities.background import run_beside

HEARTBEAT_SECONDS = 0.5

_progress: ContextVar[list[int]] = ContextVar("progress")


def report_progress(done: int) -> None:
    """Have the heartbeats of this activity tell how much of its work is done."""
    if (details := _progress.get(None)) is not None:
        details[:] = [done]


@asynccontextmanager
async def send_heartbeats() -> AsyncIterator[None]:
    """Heartbeat twice a second until the block is left."""
    # Outside a worker, as in a test that calls the function, nobody listens.
    if not activity.in_activity():
        yield
        return
    details = list[int]()
    _progress.set(details)
    async with run_beside(_beat(details)):
        yield


async def _beat(details: list[int]) -> None:
    while True:
        activity.heartbeat(*details)
        await asyncio.sleep(HEARTBEAT_SECONDS)
