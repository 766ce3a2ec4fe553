"""The PostgreSQL database behind artifacts, records and the code graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_PACKAGES = ("activities.artifacts", "activities.retrieval")
_MIGRATION_LOCK = 4_861_002

# How long a connection is waited for. A server that is there answers within milliseconds.
CONNECT_SECONDS = 10.0


@asynccontextmanager
async def open_database(dsn: str) -> AsyncIterator[AsyncConnectionPool]:
    """Open a pool of connections to `dsn`, and bring its tables to this version."""
    from psycopg_pool import AsyncConnectionPool

    async with AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=8,
        open=False,
        kwargs={"autocommit": True},
        timeout=CONNECT_SECONDS,
        # The pool tries at ever longer intervals: given up, it begins anew when it is asked, and so at once.
        reconnect_timeout=CONNECT_SECONDS,
        # A server that was started again has closed what the pool still holds.
        check=AsyncConnectionPool.check_connection,
    ) as pool:
        await migrate(pool)
        yield pool


async def migrate(pool: AsyncConnectionPool) -> None:
    """Run the migrations that the database has not seen: all of them, or none when one fails."""
    async with pool.connection() as connection, connection.transaction():
        # CREATE IF NOT EXISTS alone fails when two workers start at once.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor = await connection.execute("SELECT name FROM migrations")
        applied = {name for (name,) in await cursor.fetchall()}
        for name, script in _migrations():
            if name not in applied:
                await connection.execute(script)
                await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (name,))


def _migrations() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        folder = files(package).joinpath("migrations")
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".sql"):
                yield f"{package}/{file.name}", file.read_bytes()
