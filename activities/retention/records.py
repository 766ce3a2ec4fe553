"""What is old in the database: runs that have ended, and artifacts that belong to none that is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hydranet.contracts import Removal
from hydranet.retention import RetentionSettings

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

DUE = "1 day"
"""How long after a sweep the next one is due."""

# A run is as old as the last that was put on record of it.
_OLD_RUNS = "FROM runs WHERE updated_at < %s AND run_id <> ALL(%s)"
_OLD_BRANCHES = f"FROM branches WHERE run_id IN (SELECT run_id {_OLD_RUNS})"
# Without what belongs to runs that are not old.
_OLD_ARTIFACTS = f"""
    FROM artifacts WHERE used_at < %s AND NOT EXISTS (
        SELECT FROM run_artifacts kept
        WHERE kept.sha256 = artifacts.sha256 AND kept.run_id NOT IN (SELECT run_id {_OLD_RUNS})
    )
"""


async def sweep_database(
    pool: AsyncConnectionPool,
    kept: RetentionSettings,
    used_before: datetime,
    open_runs: list[str],
    *,
    dry_run: bool,
) -> list[Removal]:
    """Remove old runs, and artifacts that were last used long ago and before `used_before`; return how many."""
    removals = []
    async with pool.connection() as connection, connection.transaction():
        # Where runs stay for ever, none is as old as that.
        before = _find_limit(kept.runs_days, used_before) if kept.runs_days else datetime.min.replace(tzinfo=UTC)
        values = (before, open_runs)
        if kept.runs_days:
            removals.append(await _count(connection, "runs", "0", _OLD_RUNS, values))
            if not dry_run:
                for rows in (_OLD_BRANCHES, _OLD_RUNS):
                    await connection.execute(f"DELETE {rows}".encode(), values)
        if kept.artifacts_days:
            limit = (_find_limit(kept.artifacts_days, used_before), *values)
            removals.append(await _count(connection, "artifacts", "sum(octet_length(data))", _OLD_ARTIFACTS, limit))
            if not dry_run:
                await connection.execute(f"DELETE {_OLD_ARTIFACTS}".encode(), limit)
        if not dry_run:
            counts = json.dumps({removal.what: removal.count for removal in removals})
            await connection.execute("DELETE FROM sweeps WHERE swept_at < now() - interval '90 days'")
            await connection.execute("INSERT INTO sweeps (removed) VALUES (%s::jsonb)", (counts,))
    return removals


async def is_sweep_due(pool: AsyncConnectionPool) -> bool:
    """Return whether a sweep is due; in a new database, where nothing is old yet, it is in a day."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT max(swept_at) < now() - %s::interval FROM sweeps", (DUE,))
        row = await cursor.fetchone()
        if row is None or row[0] is None:
            await connection.execute("INSERT INTO sweeps DEFAULT VALUES ON CONFLICT DO NOTHING")
            return False
        return bool(row[0])


def _find_limit(days: int, used_before: datetime) -> datetime:
    return min(datetime.now(UTC) - timedelta(days=days), used_before)


async def _count(connection: AsyncConnection[Any], what: str, size: str, rows: str, values: tuple[Any, ...]) -> Removal:
    cursor = await connection.execute(f"SELECT count(*), coalesce({size}, 0)::bigint {rows}".encode(), values)
    row = await cursor.fetchone()
    assert row is not None
    return Removal(what=what, count=row[0], size=row[1])
