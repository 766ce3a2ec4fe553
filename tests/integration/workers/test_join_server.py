"""The join server against strangers: what it bounds, and what who is refused reads."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector

from hydranet.errors import UsageError
from workers.cluster import door, joining
from workers.cluster.authority import Authority, make_key, request_certificate, write_key
from workers.cluster.folder import ClusterConfig, ClusterFolder
from workers.cluster.front import issue_server
from workers.cluster.join_server import JoinServer, Services
from workers.cluster.joining import JoinPlace
from workers.cluster.membership import MemberFolder
from workers.cluster.throttle import MOST_BY_ADDRESS
from workers.cluster.tokens import Token, Tokens
from workers.sealing import KeyRing
from workers.temporal_server import find_free_port

HOST = "127.0.0.1"


class NodeA:
    """A join server without the rest of its stack."""

    def __init__(self, folder: ClusterFolder) -> None:
        self.folder = folder
        self.place = JoinPlace(HOST, find_free_port())
        self.log: list[str] = []
        services = Services("", "default", KeyRing(Path(), [bytes(32)]), self.log.append)
        self.server = JoinServer(folder, services, HOST, self.place.port)

    def open_session(self, certificate: Path | None = None) -> ClientSession:
        context = ssl.create_default_context(cafile=str(self.folder.authority))
        if certificate:
            context.load_cert_chain(certificate)
        return ClientSession(f"https://{self.place.address}", connector=TCPConnector(ssl=context, force_close=True))


@pytest.fixture
async def node_a(tmp_path: Path) -> AsyncIterator[NodeA]:
    folder = ClusterFolder(tmp_path)
    folder.create()
    authority = Authority.create()
    folder.authority_key.write_text(authority.key)
    folder.authority.write_text(authority.certificate)
    issue_server(folder, ClusterConfig(hosts=[HOST], roles=["supervisor"]))
    node = NodeA(folder)
    async with node.server.serve():
        yield node


async def join(node_a: NodeA, secret: str, folder: Path) -> None:
    token = Token(node_a.folder.load_authority().digest, secret)
    authority = node_a.folder.authority.read_text()
    await joining.join(node_a.place, authority, token, "c", "sandbox", MemberFolder(folder))


async def test_who_tries_tokens_waits_a_minute_and_nodes_do_not(node_a: NodeA, tmp_path: Path) -> None:
    for _ in range(MOST_BY_ADDRESS):
        with pytest.raises(UsageError, match="does not know this token"):
            await join(node_a, "x" * 43, tmp_path)
    valid = Tokens(node_a.folder).create("ab" * 32, ["sandbox"], timedelta(hours=1), 1)
    for secret in ("x" * 43, valid.rpartition(".")[2]):
        with pytest.raises(UsageError, match=r"^Node A refused 20 requests from this address within a minute: wait"):
            await join(node_a, secret, tmp_path)
    # Nobody fills the log of the stack with them.
    assert len(node_a.log) == MOST_BY_ADDRESS
    key = make_key()
    issued = node_a.folder.load_authority().issue_node(request_certificate(key, "c"), "c", "sandbox")
    (tmp_path / "pair").write_text(write_key(key) + issued.certificate)
    async with node_a.open_session(tmp_path / "pair") as session, session.post("/check", data="{}") as answer:
        assert answer.status == 403  # It is in no registry here, which it was told.
        assert "knows no valid certificate" in await answer.text()


async def test_what_is_no_request_of_a_node_counts_too(node_a: NodeA) -> None:
    async with node_a.open_session() as session:
        statuses = []
        for path in ("/", "/admin", "/join", "/join") * (MOST_BY_ADDRESS // 4 + 1):
            async with session.post(path, data=b"{" * (100_000 if path == "/" else 10)) as answer:
                statuses.append(answer.status)
                await answer.read()
    assert set(statuses[:MOST_BY_ADDRESS]) == {404, 409}
    assert set(statuses[MOST_BY_ADDRESS:]) == {429}


async def test_a_body_may_not_be_large(node_a: NodeA) -> None:
    async with node_a.open_session() as session, session.post("/join", data=b"x" * 100_000) as answer:
        assert answer.status == 413


async def test_so_many_connections_are_open_at_once_and_closed_ones_make_room(
    node_a: NodeA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_BY_ADDRESS", 3)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            # Who connects and says nothing.
            _, writer = await asyncio.open_connection(HOST, node_a.place.port)
            stack.callback(writer.close)
        with pytest.raises(ClientConnectionError):
            await fetch(node_a)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(ClientConnectionError):
                assert "BEGIN CERTIFICATE" in await fetch(node_a)
                break


async def test_who_sends_nothing_or_too_slowly_is_hung_up_on(node_a: NodeA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_HANDSHAKE_SECONDS", 0.2)
    monkeypatch.setattr(door, "_LONGEST_SECONDS", 0.5)
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(HOST, node_a.place.port)
        assert await reader.read() == b""
        writer.close()
        context = ssl.create_default_context(cafile=str(node_a.folder.authority))
        reader, writer = await asyncio.open_connection(HOST, node_a.place.port, ssl=context)
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET /authority HTTP/1.1\r\n")
            while not reader.at_eof():
                writer.write(b"X-Slow: x\r\n")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.1)
        writer.close()
    assert "BEGIN CERTIFICATE" in await fetch(node_a)


async def fetch(node_a: NodeA) -> str:
    async with node_a.open_session() as session, session.get("/authority") as answer:
        return await answer.text()
