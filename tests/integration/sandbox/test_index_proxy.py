"""The proxy to the package indexes: what a hostile client may ask for, and which way a request leaves."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from activities.sandbox.index_proxy import HEAD_LIMIT, IndexProxy, open_proxy
from activities.sandbox.package_index import IndexAccess


@dataclass
class Server:
    """An HTTP server on loopback that answers everything with its name, and keeps what it was sent."""

    name: str
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        self.requests.append(head)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + self.name.encode())
        await writer.drain()
        # Whatever else arrives on the same connection.
        writer.write_eof()
        self.requests += [rest] if (rest := await reader.read()) else []
        writer.close()


@asynccontextmanager
async def serving(name: str) -> AsyncIterator[Server]:
    server = Server(name)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


@pytest.fixture
async def index() -> AsyncIterator[Server]:
    async with serving("the index") as server:
        yield server


@pytest.fixture
async def other() -> AsyncIterator[Server]:
    async with serving("another") as server:
        yield server


@pytest.fixture
async def proxy(index: Server) -> AsyncIterator[IndexProxy]:
    hosts = frozenset({("127.0.0.1", index.port), ("localhost", index.port)})
    async with open_proxy(IndexAccess({}, hosts=hosts)) as opened:
        yield opened


async def ask(proxy: IndexProxy, sent: str) -> str:
    """Send bytes to the proxy and return all that comes back."""
    reader, writer = await asyncio.open_unix_connection(proxy.socket)
    writer.write(sent.encode("latin-1"))
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer.decode("latin-1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost", "localhost."])
async def test_an_index_is_reached_by_a_tunnel_and_by_a_request(proxy: IndexProxy, index: Server, host: str) -> None:
    target = f"{host}:{index.port}"
    answer = await ask(proxy, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nGET /a HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 Connection established\r\n\r\n")
    assert answer.endswith("the index")
    answer = await ask(proxy, f"GET http://{target}/a?b=c HTTP/1.1\r\nHost: {target}\r\nX-A: b\r\n\r\n")
    assert answer.endswith("the index")
    assert index.requests[-1].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"x-a: b\r\n" in index.requests[-1]
    assert proxy.refused == ()


async def test_any_other_host_or_port_is_refused_by_name(proxy: IndexProxy, index: Server, other: Server) -> None:
    targets = [f"127.0.0.1:{other.port}", f"127.0.0.2:{index.port}", f"[::1]:{index.port}", f"2130706433:{index.port}"]
    targets += [f"[::ffff:127.0.0.1]:{index.port}", f"127.1:{index.port}", f"0:{index.port}", "169.254.169.254:80"]
    for target in targets:
        for request in (f"CONNECT {target}", f"GET http://{target}/"):
            answer = await ask(proxy, f"{request} HTTP/1.1\r\nHost: 127.0.0.1:{index.port}\r\n\r\n")
            assert answer.startswith("HTTP/1.1 403 "), (request, answer)
            assert "is no configured package index" in answer
    assert index.requests == other.requests == []
    assert proxy.refused[:2] == (f"127.0.0.1:{other.port}", f"127.0.0.2:{index.port}")
    # A hostile program cannot fill the memory with names.
    assert len(proxy.refused) == 5


async def test_a_request_that_means_two_hosts_reaches_neither_wrongly(
    proxy: IndexProxy, index: Server, other: Server
) -> None:
    good, bad = f"127.0.0.1:{index.port}", f"127.0.0.1:{other.port}"
    second = f"GET http://{bad}/ HTTP/1.1\r\nHost: {bad}\r\n\r\n"
    for sent in (
        f"GET http://{good}/ HTTP/1.1\r\nHost: {bad}\r\n\r\n",
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}\r\n\r\n{second}",
        f"GET http://{good}@{bad}/ HTTP/1.1\r\nHost: {good}\r\n\r\n",
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}\r\nContent-Length: 5\r\n\r\nhello{second}",
        f"GET http://{good}/ HTTP/1.1\r\nHost: {good}\r\nA: b\r\n {second}",
        f"CONNECT {good}@{bad} HTTP/1.1\r\nHost: {good}\r\n\r\n",
        f"CONNECT {good}/{bad} HTTP/1.1\r\nHost: {good}\r\n\r\n",
    ):
        await ask(proxy, sent)
    assert other.requests == []
    assert all(f"Host: {good}\r\n".encode() in request for request in index.requests)
    assert all(request.count(b"HTTP/1.1") == 1 for request in index.requests)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("POST http://{good}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
        ("DELETE http://{good}/ HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: {good}\r\n\r\n", 400),
        ("GET https://{good}/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT 127.0.0.1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT 127.0.0.1:99999 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00 hello\r\n\r\n", 400),
        ("GET http://{good}/ HTTP/1.1\r\nA: " + "x" * 2 * HEAD_LIMIT, 400),
    ],
)
async def test_what_no_index_needs_is_refused(proxy: IndexProxy, index: Server, sent: str, status: int) -> None:
    answer = await ask(proxy, sent.format(good=f"127.0.0.1:{index.port}"))
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert index.requests == []


async def test_an_index_that_does_not_answer_is_an_error_of_the_installer(index: Server) -> None:
    access = IndexAccess({}, hosts=frozenset({("127.0.0.1", 1), ("no-such-host.invalid", 443)}))
    async with open_proxy(access) as proxy:
        for target in ("127.0.0.1:1", "no-such-host.invalid:443"):
            answer = await ask(proxy, f"CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n")
            assert answer.startswith(f"HTTP/1.1 502 {target} cannot be reached: ")


async def test_a_proxy_of_this_machine_is_used_where_it_is_configured(index: Server, other: Server) -> None:
    url = f"http://user:p%40ss@127.0.0.1:{other.port}"
    for proxies, used in (
        ({"http": url, "https": url}, other),
        ({"http": url, "https": url, "no": "127.0.0.1"}, index),
    ):
        access = IndexAccess({}, hosts=frozenset({("127.0.0.1", index.port)}), proxies=proxies)
        async with open_proxy(access) as proxy:
            target = f"127.0.0.1:{index.port}"
            for sent in (f"GET http://{target}/a", f"CONNECT {target}"):
                answer = await ask(proxy, f"{sent} HTTP/1.1\r\nHost: {target}\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
                assert answer.endswith(used.name)
    # A request that follows is not sent to a proxy, which would serve any host.
    assert [request.split()[:2] for request in other.requests] == [
        [b"GET", f"http://127.0.0.1:{index.port}/a".encode()],
        [b"CONNECT", f"127.0.0.1:{index.port}".encode()],
        [b"GET", b"/b"],
    ]
    assert all(b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in request for request in other.requests[:2])


async def test_only_its_user_reaches_the_socket(proxy: IndexProxy) -> None:
    assert stat.S_IMODE(proxy.socket.parent.stat().st_mode) == 0o700


async def test_connections_end_with_the_setup(index: Server) -> None:
    access = IndexAccess({}, hosts=frozenset({("127.0.0.1", index.port)}))
    async with open_proxy(access) as proxy:
        reader, writer = await asyncio.open_unix_connection(proxy.socket)
        writer.write(f"CONNECT 127.0.0.1:{index.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        silent, other = await asyncio.open_unix_connection(proxy.socket)
        # Until it is accepted.
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
        assert await silent.read() == b""
    writer.close()
    other.close()
    assert not proxy.socket.exists()
