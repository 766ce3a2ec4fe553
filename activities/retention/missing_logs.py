"""The logs of runs that ended without one, such as a run that was terminated: kept while Temporal knows them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from temporalio.service import RPCError

from activities.history.events import list_entries
from activities.history.recording import keep_log
from hydranet.errors import UsageError
from hydranet.names import FIX_WORKFLOW

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool
    from temporalio.client import Client

    from activities.history.log_store import LogKeys

_logger = logging.getLogger(__name__)
_CLOSED = f"WorkflowType = '{FIX_WORKFLOW}' AND ExecutionStatus != 'Running'"


async def keep_missing_logs(client: Client, pool: AsyncConnectionPool, keys: LogKeys) -> int:
    """Keep the logs of closed runs that are on record without one; return how many."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT run_id FROM runs WHERE NOT EXISTS (SELECT FROM run_logs WHERE run_logs.run_id = runs.run_id)"
        )
        lacking = {run_id for (run_id,) in await cursor.fetchall()}
    if not lacking:
        return 0
    kept = 0
    async for run in client.list_workflows(_CLOSED):
        if run.id not in lacking:
            continue
        try:
            kept += await keep_log(pool, keys, run.id, await list_entries(client, run.id))
        except (RPCError, UsageError) as error:
            _logger.warning("the log of %s is not kept: %s", run.id, error)
    return kept
