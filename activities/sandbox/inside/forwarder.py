"""The way from the sandbox's own loopback to the proxy outside, for installers that know no Unix sockets."""

import asyncio
import contextlib
import threading
from asyncio import StreamReader, StreamWriter

ADDRESS = ("127.0.0.1", 3128)
SOCKET = "/package-index"
# Bytes of one piece of a stream.
PIECE = 262_144


def start() -> None:
    """Forward connections in a thread of this process, and return when it listens."""
    listening = threading.Event()
    threading.Thread(target=lambda: asyncio.run(_serve(listening)), daemon=True).start()
    listening.wait()


async def _serve(listening: threading.Event) -> None:
    server = await asyncio.start_server(_forward, *ADDRESS, limit=PIECE, backlog=128)
    listening.set()
    await server.serve_forever()


async def _forward(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        proxy_reader, proxy = await asyncio.open_unix_connection(SOCKET, limit=PIECE)
        try:
            sending = asyncio.ensure_future(_copy(reader, proxy))
            await _copy(proxy_reader, writer)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        finally:
            proxy.close()
    writer.close()


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    while piece := await source.read(PIECE):
        target.write(piece)
        await target.drain()
    target.write_eof()
