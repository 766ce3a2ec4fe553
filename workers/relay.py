"""The way into the namespace of a server: Unix sockets, whose file permissions decide who may use it.

Run inside the namespace: `python -I -m workers.relay SOCKET:PORT... PORT:SOCKET... -- COMMAND...` starts the command,
connects each socket with a port of the namespace's loopback, or the other way round, passes SIGTERM and SIGINT on, and
ends when the command ends. A connection that begins with an HTTP CONNECT, as that of Temporal's client does, gets its
answer first; the port that it names is not obeyed.
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter

_CONNECT = b"CONNECT "
# Of the head of a CONNECT.
_HEAD_LIMIT = 16_384
_CHUNK = 65_536


async def relay(ways: list[str], command: list[str]) -> int:
    """Serve until the command ends, and return its exit status."""
    os.umask(0o077)
    for way in ways:
        source, _, target = way.partition(":")
        serve = _Relay(target).serve
        if source.isdecimal():
            await asyncio.start_server(serve, "127.0.0.1", int(source), limit=_HEAD_LIMIT)
            continue
        with contextlib.suppress(FileNotFoundError):
            os.unlink(source)  # noqa: PTH108 - pathlib takes a tenth of this process's memory
        await asyncio.start_unix_server(serve, source, limit=_HEAD_LIMIT)
    process = await asyncio.create_subprocess_exec(*command)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.send_signal, number)
    return await process.wait()


class _Relay:
    def __init__(self, target: str) -> None:
        self._target = target

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(writer.close)
                first = await reader.readexactly(len(_CONNECT))
                if first == _CONNECT:
                    await reader.readuntil(b"\r\n\r\n")
                    first = b""
                inner_reader, inner_writer = await self._connect()
                stack.callback(inner_writer.close)
                if not first:
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                inner_writer.write(first)
                await asyncio.gather(copy_stream(reader, inner_writer), copy_stream(inner_reader, writer))

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        if self._target.isdecimal():
            return await asyncio.open_connection("127.0.0.1", int(self._target))
        return await asyncio.open_unix_connection(self._target)


async def copy_stream(reader: StreamReader, writer: StreamWriter) -> None:
    """Write what comes to its end, and then end the writing too."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def main() -> int:
    """Serve the sockets and run the command on the command line."""
    arguments = sys.argv[1:]
    end = arguments.index("--")
    return asyncio.run(relay(arguments[:end], arguments[end + 1 :]))


if __name__ == "__main__":
    sys.exit(main())
