"""What dashboards read of runs: the state of open ones, kept here while somebody observes, and a role that may read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hydranet.genealogy import Genealogy

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

OBSERVER = "hydra_observer"
"""The role of the database that reads the views of runs, and nothing else."""

VIEWS = ("observed_runs", "observed_branches", "observed_attempts", "observed_steps")

_UNFINISHED = "ended without a verdict"
_SETTLED = "10 seconds"

# For the panels of some open pages; a query that is not done in this time is ended.
_CONNECTIONS = 20
_TIMEOUT = "30s"


class RunSnapshots:
    """The states of open runs in the database."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def record(self, started: datetime, genealogy: Genealogy) -> None:
        """Keep the state of a run that began at `started`, until its record has a verdict."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO run_snapshots (run_id, started_at, genealogy) VALUES (%s, %s, %s)"
                " ON CONFLICT (run_id) DO UPDATE SET genealogy = excluded.genealogy, seen_at = now()",
                (genealogy.run_id, started, genealogy.model_dump_json()),
            )
            # When a run really began is known nowhere else, so the rest of the row stays as long as the record does.
            await connection.execute(
                "UPDATE run_snapshots s SET genealogy = NULL FROM runs r"
                " WHERE r.run_id = s.run_id AND s.genealogy IS NOT NULL AND r.verdict IS NOT NULL"
            )
            await connection.execute(
                "DELETE FROM run_snapshots s WHERE genealogy IS NULL"
                " AND NOT EXISTS (SELECT FROM runs r WHERE r.run_id = s.run_id)"
            )

    async def close(self, open_runs: Sequence[str]) -> None:
        """Keep that every other run has ended, those without a verdict too: they were terminated, or lost."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE run_snapshots SET genealogy = jsonb_set(genealogy, '{state}', %s::jsonb)"
                # Another supervisor may have listed a run that has only now begun.
                " WHERE genealogy->>'state' <> %s AND run_id <> ALL(%s) AND seen_at < now() - %s::interval",
                (json.dumps(_UNFINISHED), _UNFINISHED, list(open_runs), _SETTLED),
            )


async def create_observer(connection: AsyncConnection[Any], password: str) -> None:
    """Let the role that observes log in with a password; it is made where there is none."""
    from psycopg import sql

    role = sql.Identifier(OBSERVER)
    async with connection.transaction():
        cursor = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (OBSERVER,))
        if await cursor.fetchone() is None:
            await connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        # Sealed here, so that the server's log and statistics do not learn the password.
        sealed = connection.pgconn.encrypt_password(password.encode(), OBSERVER.encode(), b"scram-sha-256").decode()
        statement = sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}")
        await connection.execute(statement.format(role, sql.Literal(_CONNECTIONS), sql.Literal(sealed)))
        for name, value in (("default_transaction_read_only", "on"), ("statement_timeout", _TIMEOUT)):
            statement = sql.SQL("ALTER ROLE {} SET {} = {}")
            await connection.execute(statement.format(role, sql.Identifier(name), sql.Literal(value)))
        views = sql.SQL(", ").join(map(sql.Identifier, VIEWS))
        await connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(views, role))
