"""The way of dashboards to the embedded PostgreSQL: a port of the loopback for one role, which shows a password.

PostgreSQL itself has no port, and takes whoever comes by its socket as the user that runs it for the owner of all.
So the first message of a connection is read here, and only that of the role that observes is passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from activities.artifacts.observer import OBSERVER
from workers.relay import copy_stream

# The first messages of PostgreSQL's protocol, by their codes.
_TLS, _GSSAPI, _VERSION = 80_877_103, 80_877_104, 3
# PostgreSQL takes no longer one either.
_FIRST_LIMIT = 10_000
_FIRST_SECONDS = 10.0
_REFUSAL = f"Only {OBSERVER} may come by this port."


@asynccontextmanager
async def open_gate(port: int, socket: Path) -> AsyncIterator[None]:
    """Pass the role that observes on from a port of the loopback to PostgreSQL's socket, until the block is left."""
    server = await asyncio.start_server(_Gate(socket).serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


class _Gate:
    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        # Whatever breaks ends this connection alone.
        with contextlib.suppress(OSError, IncompleteReadError, ValueError, TimeoutError):
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(writer.close)
                first = await asyncio.wait_for(_read_first(reader, writer), _FIRST_SECONDS)
                if read_user(first) != OBSERVER:
                    fields = f"SFATAL\0VFATAL\0C28000\0M{_REFUSAL}\0\0".encode()
                    writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
                    await writer.drain()
                    return
                inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
                stack.callback(inner_writer.close)
                inner_writer.write(first)
                await asyncio.gather(copy_stream(reader, inner_writer), copy_stream(inner_reader, writer))


async def _read_first(reader: StreamReader, writer: StreamWriter) -> bytes:
    """Return the message that names the role; offers of encryption before it are declined."""
    for _ in range(3):
        head = await reader.readexactly(8)
        length, code = struct.unpack("!II", head)
        if not 8 <= length <= _FIRST_LIMIT:
            break
        body = await reader.readexactly(length - 8)
        if code not in (_TLS, _GSSAPI):
            return head + body
        writer.write(b"N")
    raise ValueError("It speaks another protocol.")


def read_user(message: bytes) -> str:
    """Return the role that the first message of a connection names, empty where it is no ordinary one."""
    (code,) = struct.unpack("!I", message[4:8])
    words = message[8:].decode(errors="replace").split("\0")
    names = words[0:-2:2]
    parameters = dict(zip(names, words[1::2], strict=False))
    # The server would take the last of several.
    ordinary = code >> 16 == _VERSION and names.count("user") == 1 and "replication" not in parameters
    return parameters["user"] if ordinary else ""
