"""The door of the join server: it lets so many connections in, each for so long, and shuts out who holds too many."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

from workers.cluster.throttle import group_address

MOST_BY_ADDRESS, MOST = 16, 128
"""The most open connections: a node needs two, and thirty nodes join at once."""

_HANDSHAKE_SECONDS = 5.0
# For all that a node asks on a connection; the slowest answer waits for the database.
_LONGEST_SECONDS = 30.0


class Door:
    """Makes the protocols of accepted connections: TLS with `context`, and behind it what `build` makes."""

    def __init__(self, context: ssl.SSLContext, build: Callable[[], asyncio.Protocol]) -> None:
        self._context = context
        self._build = build
        self._open: Counter[str] = Counter()
        # The loop keeps no reference to a task.
        self._handshakes: set[asyncio.Task[None]] = set()

    def build_protocol(self) -> asyncio.Protocol:
        """Return the protocol of a connection that was accepted."""
        return _Accepted(self)

    def close(self) -> None:
        """End what has not come in yet."""
        for handshake in self._handshakes:
            handshake.cancel()

    def accept(self, transport: asyncio.Transport) -> None:
        """Begin TLS on a connection, or end it where there are too many."""
        address = group_address(str((transport.get_extra_info("peername") or ("",))[0]))
        if self._open[address] >= MOST_BY_ADDRESS or self._open.total() >= MOST:
            transport.abort()
            return
        transport.pause_reading()
        self._open[address] += 1
        handshake = asyncio.create_task(self._start(transport, address))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _start(self, transport: asyncio.Transport, address: str) -> None:
        loop = asyncio.get_running_loop()
        inner = _Counted(self._build(), lambda: self._leave(address))
        try:
            secured = await loop.start_tls(
                transport, inner, self._context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except OSError:
            secured = None
        if secured is None:
            transport.abort()
            self._leave(address)
        else:
            inner.connection_made(secured)

    def _leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class _Accepted(asyncio.Protocol):
    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._door.accept(transport)


class _Counted(asyncio.Protocol):
    """Passes everything on, and ends a connection that takes too long."""

    def __init__(self, inner: asyncio.Protocol, leave: Callable[[], None]) -> None:
        self._inner = inner
        self._leave = leave
        self._end: asyncio.TimerHandle | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._end = asyncio.get_running_loop().call_later(_LONGEST_SECONDS, transport.abort)
        self._inner.connection_made(transport)
        if self._early:
            self._inner.data_received(b"".join(self._early))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is None:
            return
        self._end.cancel()
        self._leave()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # The first may come with the end of the handshake, before TLS tells that it is there.
        if self._end is None:
            self._early.append(data)
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
