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
_logger = logging.getLogger("hydranet.temporal")
CALL = timedelta(seconds=2)
"""How long a server that is there may take to answer."""

# The clients' lines for what they try again, and the reasons in them, the first cause last.
_TEMPORAL_LINES = re.compile(
    r"gRPC call \w+ retried \d+ times|Network error while|Error when recording heartbeat: Status { code: Unavailable"
)
_TEMPORAL_REASONS = re.compile(r'message: "([^"]*)"')
_POSTGRES_LINES = re.compile(r"error connecting in 'pool|reconnection attempt in pool")
_POSTGRES_REASONS = re.compile(r".*failed: (.+)")
# The clients speak about every ten seconds while they are cut off.
_QUIET_SECONDS = 120.0
# A server that is restarted, or busy, need not be told.
_TOLD_AFTER_SECONDS = 5.0

_SILENCES = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)


class OutageFilter(logging.Filter):
    """A filter of logs that tells an outage of a server once, where its client tells of each call that it tries again.

    `lines` are those of the client, and `reasons` what it gives as such in them.
    """

    def __init__(self, server: str, lines: re.Pattern[str], reasons: re.Pattern[str]) -> None:
        super().__init__()
        self._begin = f"{server} does not answer"
        self._end = f"{server} answers again"
        self._lines = lines
        self._reasons = reasons
        self._last = -math.inf

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the client's line, and return whether an outage begins with it."""
        text = record.getMessage()
        if self._lines.search(text):
            reason = self._reasons.findall(text)[-1:]
            because = f" ({reason[0]})" if reason else ""
            record.msg, record.args = f"{self._begin}{because}: this worker goes on when it does.", ()
        elif text.startswith(self._end):
            self._last = -math.inf
            return True
        elif not text.startswith(self._begin):
            return True
        before, self._last = self._last, time.monotonic()
        return self._last - before > _QUIET_SECONDS


def filter_logs() -> logging.Logger:
    """Let outages be told once in the logs of this process, and return the logger of Temporal's client."""
    client, pool = logging.getLogger("hydranet.temporal"), logging.getLogger("psycopg.pool")
    if not client.filters:
        client.addFilter(OutageFilter("Temporal", _TEMPORAL_LINES, _TEMPORAL_REASONS))
        pool.addFilter(OutageFilter("PostgreSQL", _POSTGRES_LINES, _POSTGRES_REASONS))
    return client


@contextlib.asynccontextmanager
async def watch_server(client: Client, *, reports: bool) -> AsyncIterator[None]:
    """Tell in the log, until the block is left, when Temporal's server is away and back.

    Who `reports` also tells the open runs how long it was away.
    """
    async with run_beside(_watch(client, reports)):
        yield


async def report_interruption(client: Client, seconds: float) -> None:
    """Tell the open runs that nothing ran for the last `seconds`."""
    async for run in client.list_workflows(OPEN_RUNS):
        with contextlib.suppress(RPCError):  # It may have ended meanwhile.
            await client.get_workflow_handle(run.id).signal("interrupted", seconds, rpc_timeout=CALL)


async def _watch(client: Client, reports: bool) -> None:
    answered, away, announced = time.monotonic(), False, False
    while True:
        try:
            await client.service_client.check_health(timeout=CALL)
            seconds = time.monotonic() - answered
            if announced:
                _logger.warning("Temporal answers again, after %.0f s.", seconds)
                announced = False
            if away and reports:
                await report_interruption(client, seconds)
        except RPCError as error:
            away = away or error.status in _SILENCES
            if away and not announced and time.monotonic() - answered > _TOLD_AFTER_SECONDS:
                _logger.warning("Temporal does not answer: this worker goes on when it does.")
                announced = True
        else:
            answered, away = time.monotonic(), False
        await asyncio.sleep(_EVERY_SECONDS)
