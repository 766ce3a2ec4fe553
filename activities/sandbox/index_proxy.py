"""The proxy through which a setup reaches the package indexes, and nothing else.

It listens on a Unix socket that is mounted into the sandbox, whose network leads nowhere. It resolves names itself, and
connects to the hosts of an IndexAccess only: by CONNECT, or by GET and HEAD for an index without TLS. What it reads is
hostile; h11 parses it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import tempfile
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

import h11

from activities.sandbox.package_index import Host, IndexAccess, parse_host

# Bytes of a request's head and of one piece of a stream; connections at a time, of which uv opens 50.
HEAD_LIMIT = 32_768
_PIECE = 262_144
CONNECTIONS = 128
# In seconds: for a whole request to arrive, and for a connection to an index.
REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 60.0
# Refused hosts that are remembered, and the characters of one.
_REFUSED = 5
_NAME = 100

# What concerns one connection only, and what this proxy says anew.
_DROPPED = {b"host", b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"te", b"trailer"}
_DROPPED |= {b"upgrade", b"expect"}
_BODY = {b"transfer-encoding", b"content-length"}


class ProxyRefusalError(Exception):
    """A request that is answered with a status and a sentence in place of what it asked for."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class IndexProxy:
    """The proxy of one setup: `socket` is its path on the host, `refused` the hosts that it was asked for in vain."""

    def __init__(self, access: IndexAccess, socket_path: Path) -> None:
        self._access = access
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._refused: dict[str, None] = {}
        self.socket = socket_path

    @property
    def refused(self) -> tuple[str, ...]:
        """The first hosts that are no configured index, as HOST:PORT."""
        return tuple(self._refused)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection: one request, or one tunnel."""
        try:
            async with self._room:
                await self._answer(reader, writer)
        except ProxyRefusalError as error:
            with suppress(OSError):
                writer.write(_make_response(error.status, str(error)))
                await writer.drain()
        except OSError:
            # Either side may leave whenever it likes.
            return

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        request, early = await _read_request(reader)
        tunnel = request.method == b"CONNECT"
        target = request.target.decode("ascii", "replace")
        host = _parse_target(target) if tunnel else _parse_url(request, target)
        self._check(host)
        proxy = self._find_proxy("https" if tunnel else "http", host)
        index_reader, index = await self._connect(host, proxy, tunnel)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                index.write(early)
                await _relay(reader, writer, index_reader, index)
            else:
                index.write(_rewrite(request, target, proxy))
                # Nothing more is read here: another request could name a host that was not checked.
                await _copy(index_reader, writer)
        finally:
            await _close(index)

    def _check(self, host: Host) -> None:
        if host in self._access.hosts:
            return
        name = _name_host(host)
        if len(self._refused) < _REFUSED:
            self._refused[name[:_NAME]] = None
        raise ProxyRefusalError(403, f"{name[:_NAME]} is no configured package index")

    def _find_proxy(self, scheme: str, host: Host) -> str | None:
        proxies = self._access.proxies
        if proxy_bypass(f"{host[0]}:{host[1]}", dict(proxies)):
            return None
        return proxies.get(scheme) or proxies.get("all") or None

    async def _connect(self, host: Host, proxy: str | None, tunnel: bool) -> tuple[StreamReader, StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if proxy is None:
                    return await asyncio.open_connection(*host, limit=_PIECE, happy_eyeballs_delay=0.25)
                return await _connect_to_proxy(proxy, host if tunnel else None)
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            by = " through this machine's proxy" if proxy else ""
            raise ProxyRefusalError(502, f"{_name_host(host)} cannot be reached{by}: {error}") from None


@asynccontextmanager
async def open_proxy(access: IndexAccess) -> AsyncIterator[IndexProxy]:
    """Serve the indexes of `access` until the block is left, then end every connection."""
    with tempfile.TemporaryDirectory(prefix="hydra-index-") as folder:
        path = Path(folder, "index")
        proxy = IndexProxy(access, path)
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: StreamReader, writer: StreamWriter) -> None:
            task = asyncio.ensure_future(proxy.serve(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)
            # A task that is cancelled before it has begun closes nothing itself.
            task.add_done_callback(lambda _: writer.close())

        server = await _listen(path, accept)
        try:
            yield proxy
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


async def _listen(path: Path, accept: Callable[[StreamReader, StreamWriter], None]) -> asyncio.Server:
    listening = socket.socket(socket.AF_UNIX)
    # The name of a socket has at most 107 bytes, and a data folder may be deeper.
    folder = os.open(path.parent, os.O_PATH)
    try:
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        # The user of a container need not be this process's. Nobody else passes the folder, whose mode is 0700.
        os.chmod(path.name, 0o666, dir_fd=folder)  # noqa: S103
        return await asyncio.start_unix_server(accept, sock=listening, limit=_PIECE, backlog=CONNECTIONS)
    except BaseException:
        listening.close()
        raise
    finally:
        os.close(folder)


async def _read_request(reader: StreamReader) -> tuple[h11.Request, bytes]:
    """Return a request and what came after its head."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(HEAD_LIMIT))
    except (h11.RemoteProtocolError, TimeoutError):
        raise ProxyRefusalError(400, "this is no request for a package index") from None
    if not isinstance(event, h11.Request):
        raise ConnectionResetError("the connection ended without a request")
    return event, connection.trailing_data[0]


def _parse_target(target: str) -> Host:
    try:
        if not target.rpartition(":")[2].isdecimal():
            raise ValueError(target)
        return parse_host(target)
    except ValueError:
        raise ProxyRefusalError(400, "CONNECT needs HOST:PORT") from None


def _parse_url(request: h11.Request, target: str) -> Host:
    if request.method not in (b"GET", b"HEAD"):
        raise ProxyRefusalError(405, "a package index without TLS is only read: GET and HEAD")
    if any(name in _BODY for name, _ in request.headers):
        raise ProxyRefusalError(400, "a request that reads has no body")
    try:
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
            raise ValueError(parts.scheme)
        return parts.hostname.rstrip("."), parts.port or 80
    except ValueError:
        raise ProxyRefusalError(400, "this proxy needs http://HOST:PORT/PATH, or CONNECT") from None


def _rewrite(request: h11.Request, target: str, proxy: str | None) -> bytes:
    parts = urlsplit(target)
    headers = [(name, value) for name, value in request.headers if name not in _DROPPED]
    headers += [(b"Host", parts.netloc.encode()), (b"Connection", b"close"), *_authorize(proxy)]
    sent = target if proxy else parts._replace(scheme="", netloc="").geturl() or "/"
    written = h11.Connection(h11.CLIENT).send(h11.Request(method=request.method, target=sent, headers=headers))
    assert written is not None
    return written


def _authorize(proxy: str | None) -> list[tuple[bytes, bytes]]:
    """Return the header with the user and password that the address of a proxy holds, if it does."""
    parts = urlsplit(proxy or "")
    if parts.username is None:
        return []
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return [(b"Proxy-Authorization", b"Basic " + base64.b64encode(secret))]


async def _connect_to_proxy(url: str, tunnel: Host | None) -> tuple[StreamReader, StreamWriter]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"a proxy of the kind {parts.scheme} is not supported")
    context = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if context else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context, limit=_PIECE)
    if tunnel is None:
        return reader, writer
    target = _name_host(tunnel).encode()
    headers = [(b"Host", target), *_authorize(parts.geturl())]
    lines = [b"CONNECT " + target + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    try:
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        status, _, _ = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        if status.split()[1:2] != [b"200"]:
            raise OSError(f"it answered {status[:_NAME].decode('latin-1')!r}")
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _name_host(host: Host) -> str:
    return f"[{host[0]}]:{host[1]}" if ":" in host[0] else f"{host[0]}:{host[1]}"


async def _relay(reader: StreamReader, writer: StreamWriter, index_reader: StreamReader, index: StreamWriter) -> None:
    sending = asyncio.ensure_future(_copy(reader, index))
    try:
        await _copy(index_reader, writer)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await sending


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    while piece := await source.read(_PIECE):
        target.write(piece)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


def _make_response(status: int, sentence: str) -> bytes:
    # Installers show the reason, not the text.
    reason = "".join(c if " " <= c <= "~" else "?" for c in sentence)[:300]
    body = f"HydraNet: {reason}.\n".encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


async def _close(writer: StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
