"""The PostgreSQL database behind artifacts and records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_SCHEMA_LOCK = 4_861_002


@asynccontextmanager
async def database(dsn: str) -> AsyncIterator[AsyncConnectionPool]:
    """A pool of connections to `dsn` whose tables exist."""
    from psycopg_pool import AsyncConnectionPool

    async with AsyncConnectionPool(dsn, min_size=1, max_size=8, open=False, kwargs={"autocommit": True}) as pool:
        await _create(pool)
        yield pool


async def _create(pool: AsyncConnectionPool) -> None:
    schema = files("activities.artifacts").joinpath("schema.sql").read_bytes()
    async with pool.connection() as connection, connection.transaction():
        # CREATE IF NOT EXISTS alone fails when two workers start at once.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        await connection.execute(schema)
