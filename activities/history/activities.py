"""The activity that keeps the log of a run when it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import RecordLogRequest

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool
    from temporalio.client import Client

    from activities.history.log_store import LogKeys


class HistoryActivities:
    """Keeps what Temporal's history says of a run; its client and its keys are those of a supervisor."""

    def __init__(self, client: Client, pool: AsyncConnectionPool, keys: LogKeys) -> None:
        self._client = client
        self._pool = pool
        self._keys = keys

    @activity.defn
    @translate_errors
    async def record_log(self, request: RecordLogRequest) -> None:
        """Keep the log of a run that is about to end; recording again overwrites."""
        from activities.history.events import list_entries, make_end
        from activities.history.recording import keep_log

        # Without the fields that have their default value, as the history has it.
        result = request.result.model_dump(mode="json", exclude_defaults=True)
        entries = await list_entries(self._client, request.run_id)
        entries.append(make_end(request.run_id, datetime.now(UTC), result))
        await keep_log(self._pool, self._keys, request.run_id, entries)
