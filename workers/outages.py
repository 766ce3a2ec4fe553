"""Outages of Temporal's server: open runs do not count them towards their time budget, and workers tell them once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.background import run_beside
from hydranet.names import FIX_WORKFLOW

OPEN_RUNS = f"WorkflowType = '{FIX_WORKFLOW}' AND ExecutionStatus = 'Running'"
_EVERY_SECONDS = 1.0
CALL = timedelta(seconds=2)
"""How long a server that is there may take to answer."""

# The client's lines for a call that it tries again, and the reasons in it, the first cause last.
_RETRIED = re.compile(r"gRPC call \w+ retried \d+ times|Network error while sending worker heartbeat")
_MESSAGE = re.compile(r'message: "([^"]*)"')
# The client speaks about every ten seconds while it is cut off.
_QUIET_SECONDS = 120.0

_SILENCES = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


class OutageFilter(logging.Filter):
    """A filter of logs that tells an outage once, where Temporal's client tells of each call that it tries again."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -math.inf

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the client's line, and return whether an outage begins with it."""
        text = record.getMessage()
        if not _RETRIED.search(text):
            return True
        before, self._last = self._last, time.monotonic()
        reason = _MESSAGE.findall(text)[-1:]
        because = f" ({reason[0]})" if reason else ""
        record.msg, record.args = f"Temporal does not answer{because}: this worker goes on when it does.", ()
        return self._last - before > _QUIET_SECONDS


@contextlib.asynccontextmanager
async def watch_server(client: Client) -> AsyncIterator[None]:
    """Tell the open runs, until the block is left, how long Temporal's server was away each time."""
    async with run_beside(_watch(client)):
        yield


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
