"""What a model streams reaches those who watch its run while the call is under way, and nobody else."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import open_database
from activities.artifacts.node_roles import NodeRole, create_node_login, drop_node_login
from activities.artifacts.run_watches import announce_watch, find_watches, send_messages
from activities.inference.broadcast import Broadcaster
from hydra_cli.live_calls import follow_calls
from hydra_cli.session import Session
from hydranet.live_call import LiveMessage, LivePart, SealedChannel
from hydranet.settings import Settings, TemporalSettings
from tests.integration.inference.test_clients import DIALECTS, Dialect, Reply, Server, ask
from workers.sealing import KeyRing, load_keys
from workers.stack import Stack

KEYS = KeyRing(Path(), [bytes(32)])
MODEL = "openai:http://ann:secret@gpu/v1#coder"


@pytest.fixture
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


@pytest.fixture
def run_id() -> str:
    return f"fix-{uuid.uuid4().hex[:8]}"


async def find_dsn(pool: AsyncConnectionPool) -> str:
    async with pool.connection() as connection:
        return connection.info.dsn


class Watcher:
    """Somebody who watches a run; the messages that have come, and their text."""

    def __init__(self) -> None:
        self.messages: list[LiveMessage] = []

    def read(self, *, thoughts: bool = False) -> str:
        begin = max((at for at, message in enumerate(self.messages) if message.whole), default=0)
        parts = (part for message in self.messages[begin:] for part in message.parts)
        return "".join(part.text for part in parts if part.is_thought is thoughts)

    async def wait(self, condition: Callable[[Watcher], object]) -> None:
        async with asyncio.timeout(20):
            while not condition(self):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(pool: AsyncConnectionPool, run_id: str) -> AsyncIterator[Watcher]:
    stack = Stack(temporal=TemporalSettings(), database=await find_dsn(pool))
    watcher, session = Watcher(), Session(Settings(), stack, cast(Any, None), KEYS)

    async def watch() -> None:
        async with aclosing(follow_calls(session, run_id)) as calls:
            async for message in calls:
                watcher.messages.append(message)

    task = asyncio.create_task(watch())
    try:
        while not await find_watches(pool, [run_id]):
            await asyncio.sleep(0.02)
        yield watcher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def calling(broadcaster: Broadcaster, run_id: str, dialect: Dialect, server: Server) -> AsyncIterator[None]:
    """Have a call under way, whose server has sent what it sends and is silent then."""

    async def call() -> None:
        with broadcaster.show(run_id, "implement", 2, 3, MODEL):
            await ask(dialect.client(server))

    task = asyncio.create_task(call())
    await server.answering.wait()
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def joined(pool: AsyncConnectionPool, role: NodeRole) -> AsyncIterator[AsyncConnectionPool]:
    login = await create_node_login(pool, role, uuid.uuid4().hex[:12], "hush")
    dsn = make_conninfo(await find_dsn(pool), user=login, password="hush")
    try:
        async with open_database(dsn) as opened:
            yield opened
    finally:
        await drop_node_login(pool, login)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.form)
async def test_all_who_watch_read_along_also_who_comes_later(
    pool: AsyncConnectionPool, serving: Server, dialect: Dialect, run_id: str
) -> None:
    chunks = dialect.thoughts("Hm, \x1b[2J ") + dialect.pieces("def f", "(x): ", "return \u202e")
    serving.replies[dialect.path] = [Reply(chunks, ending="hang")]
    # The node of another machine, which may do no more in the database than its role.
    async with joined(pool, "inference") as node, Broadcaster(node, KEYS).open() as broadcaster:
        async with watching(pool, run_id) as first, watching(pool, run_id) as second:
            async with calling(broadcaster, run_id, dialect, serving), watching(pool, run_id) as late:
                for watcher in (first, second, late):
                    await watcher.wait(lambda watcher: watcher.read().endswith("return \u202e"))
                    assert watcher.read(thoughts=True) == "Hm, \x1b[2J ", "what is shown is cleaned where it is shown"
            await first.wait(lambda watcher: watcher.messages[-1].done)
        message = first.messages[-1]
        assert (message.purpose, message.branch, message.attempt, message.pieces) == ("implement", 2, 3, 4)
        assert "secret" not in message.model
    serving.answering.clear()
    run_id = f"{run_id}-2"
    async with Broadcaster(pool, KEYS).open() as broadcaster, calling(broadcaster, run_id, dialect, serving):
        await asyncio.sleep(0.5)
        async with watching(pool, run_id) as only:
            await only.wait(lambda watcher: watcher.read() == "def f(x): return \u202e")


async def test_a_stolen_login_of_a_sandbox_neither_reads_nor_pretends(
    pool: AsyncConnectionPool, run_id: str, tmp_path: Path
) -> None:
    (file := tmp_path / "node").touch(0o600)
    file.write_text(KEYS.export_role("sandbox"))
    stolen = load_keys(Settings(seal_key_file=file))
    message = LiveMessage(call="c", number=1, purpose="plan", parts=(LivePart(text="the secret plan"),))
    async with joined(pool, "sandbox") as sandbox, watching(pool, run_id) as watcher:
        for statement in ("SELECT * FROM run_watches", "SELECT * FROM find_watches(ARRAY['x'])"):
            async with sandbox.connection() as connection:
                with pytest.raises(InsufficientPrivilege):
                    await connection.execute(statement.encode())
        # Should the name of the channel be known all the same:
        channel = (await find_watches(pool, [run_id]))[run_id].channel
        text = SealedChannel(channel, KEYS).write(message)
        assert "secret" not in text
        assert SealedChannel(channel, stolen).read(text) is None
        key, sealed = stolen.seal(b"{}", b"hydranet live call 1 " + channel.encode(), "sandbox")
        forged = f"{key.decode()} {sealed.hex()}"
        await send_messages(sandbox, [(channel, forged), (channel, "nonsense"), (channel, "")])
        await send_messages(sandbox, [(channel, SealedChannel("hydra_live_other", KEYS).write(message))])
        await send_messages(pool, [(channel, text)] * 3)
        last = message.model_copy(update={"number": 2, "done": True})
        await send_messages(pool, [(channel, SealedChannel(channel, KEYS).write(last))])
        await watcher.wait(lambda watcher: watcher.messages and watcher.messages[-1].done)
        assert watcher.messages == [message, last], "once each, and nothing of who is no model"


async def test_a_channel_is_another_one_after_a_while(pool: AsyncConnectionPool, run_id: str) -> None:
    async with pool.connection() as connection:
        first = await announce_watch(connection, run_id)
        assert await announce_watch(connection, run_id) == first
        await connection.execute("UPDATE run_watches SET until = now() - interval '1 second'")
        assert await find_watches(pool, [run_id]) == {}
        assert await announce_watch(connection, run_id) != first


async def test_a_call_does_not_wait_for_a_database_that_does_not_answer(
    pool: AsyncConnectionPool, serving: Server, run_id: str
) -> None:
    dialect, words = DIALECTS[0], [f"w{number} " for number in range(500)]
    serving.replies[dialect.path] = [Reply(dialect.pieces(*words) + dialect.end())]
    async with Broadcaster(pool, KEYS).open() as broadcaster, watching(pool, run_id) as watcher:
        async with await psycopg.AsyncConnection.connect(await find_dsn(pool)) as blocking:
            await blocking.execute("LOCK TABLE run_watches IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            for _ in range(3):
                with broadcaster.show(run_id, "plan", 1, 1, "m"):
                    assert (await ask(dialect.client(serving))).text == "".join(words)
                await asyncio.sleep(0.3)
            assert time.monotonic() - began < 3
            assert watcher.messages == []
        with broadcaster.show(run_id, "reflect", 1, 1, "m"):
            await ask(dialect.client(serving))
            await watcher.wait(lambda watcher: any(message.purpose == "reflect" for message in watcher.messages))
        assert all(len(message.parts) <= 1 for message in watcher.messages)
