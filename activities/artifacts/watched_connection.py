"""A connection to PostgreSQL that gives up a server which hangs: one that takes no new connection any more.

What a network loses is noticed by the limits of `database`. A server that is stopped, or whose disk hangs, acknowledges
all packets and answers none, and a query itself may take long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any, TypeVar

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

_Value = TypeVar("_Value")

# A query that takes longer is normal, but worth the question whether the server is there.
_PATIENCE_SECONDS = 3.0
# A server that is there answers within milliseconds, on a busy machine within a second.
_PROBE_SECONDS = 4.0


class WatchedConnection(AsyncConnection[TupleRow]):
    """A connection that asks after its server while it waits for long."""

    _dsn = ""
    _asking: asyncio.Task[None] | None = None
    _checked = False
    _gave_up = False

    def watch(self, dsn: str) -> None:
        """Ask from now on at this address."""
        self._dsn = dsn

    async def check(self) -> None:
        """Raise OperationalError where the connection cannot be used: its server has gone, or does not answer."""
        self._checked = True
        try:
            await AsyncConnectionPool.check_connection(self)
        finally:
            self._checked = False

    async def wait(self, gen: PQGen[_Value], *arguments: Any, **options: Any) -> _Value:
        """Return the value of a generator of psycopg's. Raises OperationalError where the server hangs."""
        timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._begin_asking)
        try:
            return await super().wait(gen, *arguments, **options)
        except OperationalError:
            if self._gave_up:
                raise OperationalError("it is connected, but hangs") from None
            raise
        finally:
            timer.cancel()
            if self._asking is not None:
                self._asking.cancel()
                self._asking = None

    def _begin_asking(self) -> None:
        if self._checked:
            self._give_up()
        elif self._dsn:
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while await _answers(self._dsn):  # noqa: ASYNC110 - nothing tells when the other server hangs
            await asyncio.sleep(_PATIENCE_SECONDS)
        self._give_up()

    def _give_up(self) -> None:
        self._gave_up = True
        # The one who waits reads the end then. Closing the descriptor would leave it waiting for that of another.
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as way:
            way.shutdown(socket.SHUT_RDWR)


async def _answers(dsn: str) -> bool:
    """Return whether a server answers; one that refuses does too."""
    try:
        connection = await asyncio.wait_for(AsyncConnection.connect(dsn), _PROBE_SECONDS)
    except (TimeoutError, ConnectionTimeout):
        return False
    except OperationalError:
        return True
    await connection.close()
    return True
