"""Putting the log of a run on record, with what its first entry says of the run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from activities.history.log_store import LogKeys, LogStore

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.history.events import Entry


async def keep_log(pool: AsyncConnectionPool, keys: LogKeys, run_id: str, entries: list[Entry]) -> bool:
    """Keep the log of a run with its start and its issue; return False, and keep nothing, where it is not on record."""
    first = next((entry for entry in entries if entry["event"] == "started"), None)
    request = first.get("request") if first else None
    issue = request.get("issue") if isinstance(request, dict) else None
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "UPDATE runs SET started_at = coalesce(%s, started_at), issue = %s WHERE run_id = %s RETURNING run_id",
            (datetime.fromisoformat(first["time"]) if first else None, issue or "", run_id),
        )
        if await cursor.fetchone() is None:
            return False
    await LogStore(pool, keys).write(run_id, entries)
    return True
