"""Putting the log of a run on record, with what its first entry says of the run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from activities.history.log_store import LogKeys, LogStore
from hydranet.bounded_models import ISSUE_CHARACTERS
from hydranet.text.escaping import clean_text
from hydranet.text.truncation import keep_start

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from activities.history.events import Entry


async def keep_log(pool: AsyncConnectionPool, keys: LogKeys, run_id: str, entries: list[Entry]) -> bool:
    """Keep the log of a run with its start and its issue; return False, and keep nothing, where it is not on record."""
    async with pool.connection() as connection, connection.transaction():
        return await keep_log_within(connection, LogStore(pool, keys), run_id, entries)


async def keep_log_within(connection: AsyncConnection[Any], store: LogStore, run_id: str, entries: list[Entry]) -> bool:
    """Keep the log as `keep_log` does, in a transaction that is under way."""
    first = next((entry for entry in entries if entry["event"] == "started"), None)
    request = first.get("request") if first else None
    issue = str(request.get("issue") or "") if isinstance(request, dict) else ""
    began = datetime.fromisoformat(first["time"]) if first else None
    cursor = await connection.execute(
        "UPDATE runs SET started_at = coalesce(%s, started_at), issue = %s WHERE run_id = %s RETURNING run_id",
        (began, keep_start(clean_text(issue), ISSUE_CHARACTERS), run_id),
    )
    if await cursor.fetchone() is None:
        return False
    await store.write_within(connection, run_id, entries)
    return True
