"""The model calls of a run that are under way, as their nodes pass them on to who watches the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from activities.artifacts.database import connect_once
from activities.artifacts.run_watches import RENEW_SECONDS, announce_watch
from hydra_cli.session import Session
from hydranet.errors import UsageError
from hydranet.live_call import LiveMessage, SealedChannel

_RETRY_SECONDS = 2.0


async def follow_calls(session: Session, run_id: str) -> AsyncGenerator[LiveMessage, None]:
    """Yield what the models of a run stream, without end; while the database is away nothing comes."""
    from psycopg import Error

    numbers: dict[str, int] = {}
    while True:
        try:
            async for message in _listen(session, run_id):
                # Whoever may send on the channel may send again what was sent.
                if message.number > numbers.get(message.call, 0):
                    numbers[message.call] = message.number
                    yield message
        except (Error, UsageError):
            await asyncio.sleep(_RETRY_SECONDS)


async def _listen(session: Session, run_id: str) -> AsyncGenerator[LiveMessage, None]:
    from psycopg import sql

    async with await connect_once(session.stack.database) as connection:
        name = ""
        while True:
            channel = await announce_watch(connection, run_id)
            if channel != name:
                await connection.execute("UNLISTEN *")
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                name = channel
                await announce_watch(connection, run_id, joins=True)
            sealed = SealedChannel(name, session.keys)
            async for notice in connection.notifies(timeout=RENEW_SECONDS):
                if notice.channel == name and (message := sealed.read(notice.payload)) is not None:
                    yield message
