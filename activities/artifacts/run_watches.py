"""Which runs somebody watches, and the channel on which what their models answer is passed on meanwhile."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

RENEW_SECONDS = 5.0
"""How often who watches says so."""

# Two renewals may be late.
_VALID = "15 seconds"
_FORGOTTEN = "1 hour"


class Watch(NamedTuple):
    """The channel of a watched run, and a number that grows with each who joins: they missed what came before."""

    channel: str
    joins: int


async def announce_watch(connection: AsyncConnection[Any], run_id: str, *, joins: bool = False) -> str:
    """Say for the next seconds that a run is watched, and return the channel: that of others who watch it too.

    Who has begun to listen `joins`. Once nobody has watched for a while the channel is another one, so that nothing of
    an earlier watch fits it.
    """
    await connection.execute("DELETE FROM run_watches WHERE until < now() - %s::interval", (_FORGOTTEN,))
    cursor = await connection.execute(
        "INSERT INTO run_watches AS w (run_id, channel, joins, until) VALUES (%s, %s, %s, now() + %s::interval)"
        " ON CONFLICT (run_id) DO UPDATE SET until = excluded.until, joins = w.joins + excluded.joins,"
        " channel = CASE WHEN w.until < now() THEN excluded.channel ELSE w.channel END RETURNING channel",
        (run_id, f"hydra_live_{secrets.token_hex(16)}", int(joins), _VALID),
    )
    row = await cursor.fetchone()
    assert row is not None
    return str(row[0])


async def find_watches(pool: AsyncConnectionPool, runs: Sequence[str]) -> dict[str, Watch]:
    """Return the watches of those of the runs that somebody watches."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT run_id, channel, joins FROM find_watches(%s)", (list(runs),))
        return {run_id: Watch(channel, joins) for run_id, channel, joins in await cursor.fetchall()}


async def send_messages(pool: AsyncConnectionPool, messages: Sequence[tuple[str, str]]) -> None:
    """Send messages to whoever listens, each with its channel; of fewer than 8,000 bytes, as PostgreSQL takes them."""
    channels, texts = zip(*messages, strict=True)
    async with pool.connection() as connection:
        await connection.execute(
            "SELECT pg_notify(m.channel, m.content) FROM unnest(%s::text[], %s::text[]) AS m (channel, content)",
            (list(channels), list(texts)),
        )
