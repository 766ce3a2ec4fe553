"""Outages of Temporal's server: open runs do not count them towards their time budget."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from hydranet.names import FIX_WORKFLOW

OPEN_RUNS = f"WorkflowType = '{FIX_WORKFLOW}' AND ExecutionStatus = 'Running'"
_EVERY_SECONDS = 1.0
CALL = timedelta(seconds=2)
"""How long a server that is there may take to answer."""

_SILENCES = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


@contextlib.asynccontextmanager
async def watch_server(client: Client) -> AsyncIterator[None]:
    """Tell the open runs, until the block is left, how long Temporal's server was away each time."""
    watch = asyncio.create_task(_watch(client))
    try:
        yield
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def report_interruption(client: Client, seconds: float) -> None:
    """Tell the open runs that nothing ran for the last `seconds`."""
    async for run in client.list_workflows(OPEN_RUNS):
        with contextlib.suppress(RPCError):  # It may have ended meanwhile.
            await client.get_workflow_handle(run.id).signal("interrupted", seconds, rpc_timeout=CALL)


async def _watch(client: Client) -> None:
    answered, away = time.monotonic(), False
    while True:
        try:
            await client.service_client.check_health(timeout=CALL)
            if away:
                await report_interruption(client, time.monotonic() - answered)
        except RPCError as error:
            away = away or error.status in _SILENCES
        else:
            answered, away = time.monotonic(), False
        await asyncio.sleep(_EVERY_SECONDS)
