"""A database that cannot serve is refused in one sentence, without its password."""

import asyncio
import contextlib
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from activities.artifacts import database, watched_connection
from activities.artifacts.database import open_database
from hydranet.errors import UsageError


async def _refusal(dsn: str) -> str:
    with pytest.raises(UsageError) as refused:
        async with open_database(dsn):
            pass
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        refusal = await _refusal(f"postgresql://a:secret@{place}/x")
    assert refusal == f"PostgreSQL does not answer at {place} (Connection refused): start it, or correct 'database'."


async def test_no_address() -> None:
    assert "'database' is no address" in await _refusal("not an address secret")


async def test_no_such_database(postgres: str) -> None:
    refusal = await _refusal(make_conninfo(postgres, dbname="missing"))
    assert 'has no such database (database "missing" does not exist): create it' in refusal


async def test_where_packets_are_dropped_it_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        # Each address of a host gets the time of a connection anew.
        refusal = await _refusal(f"host=127.0.0.1,127.0.0.1 port={silent.getsockname()[1]} password=secret")
        assert time.monotonic() - started < 5
        assert "does not answer" in refusal
        assert "in time: start it" in refusal
        assert "in time: start it" in await _refusal(f"postgresql://a:secret@{place}/x")


@pytest.mark.parametrize(
    ("dsn", "cause"),
    [
        ("host=missing.invalid password=secret", "is not known by that name"),
        ("service=missing password=secret", 'is not named rightly (definition of service "missing" not found)'),
        ("host=127.0.0.1 sslmode=wrong", "is not named rightly (invalid sslmode value"),
    ],
)
async def test_a_name_that_leads_nowhere(dsn: str, cause: str) -> None:
    assert cause in await _refusal(dsn)


async def test_a_role_that_is_not_there(postgres: str) -> None:
    assert "does not let you in" in await _refusal(make_conninfo(postgres, user="stranger"))


async def test_a_server_without_tls() -> None:
    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(8)  # the request for TLS
        writer.write(b"N")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        refusal = await _refusal(f"host=127.0.0.1 port={port} sslmode=require password=secret")
    assert "server does not support SSL" in refusal
    assert "correct sslmode and its certificates" in refusal


async def test_an_older_version(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The oldest that is taken lies above the server's, as an older server's lies below it.
    monkeypatch.setattr(database, "OLDEST_VERSION", 99)
    assert "name one of version 99 or newer" in await _refusal(postgres)


async def test_the_variables_of_postgresql_count(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(postgres)
    monkeypatch.setenv("PGHOST", str(parts["host"]))
    monkeypatch.setenv("PGUSER", str(parts.get("user", "postgres")))
    monkeypatch.setenv("PGDATABASE", str(parts.get("dbname", "postgres")))
    if "port" in parts:
        monkeypatch.setenv("PGPORT", str(parts["port"]))
    async with open_database("") as pool, pool.connection() as connection:
        assert connection.info.host == parts["host"]
    monkeypatch.setenv("PGDATABASE", "missing")
    assert "has no such database" in await _refusal("")


async def test_a_link_that_is_lost_is_noticed_within_seconds(pool: AsyncConnectionPool) -> None:
    async with pool.connection() as connection:
        known = connection.info.get_parameters()
    assert int(known["keepalives_idle"]) + 3 * int(known["keepalives_interval"]) < 15
    assert int(known["tcp_user_timeout"]) < 15_000


@asynccontextmanager
async def open_way(postgres: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Yield an address that leads to the server, and an event that holds while answers pass."""
    parts, passing = psycopg.conninfo.conninfo_to_dict(postgres), asyncio.Event()
    passing.set()

    async def forward(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await passing.wait()
                writer.write(data)
        writer.transport.abort()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        server = await asyncio.open_unix_connection(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
        writers.extend((writer, server[1]))
        served.append(asyncio.ensure_future(asyncio.gather(forward(reader, server[1]), forward(server[0], writer))))

    served: list[asyncio.Future[Any]] = []
    writers: list[StreamWriter] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        yield make_conninfo(postgres, host="127.0.0.1", port=port), passing
        passing.set()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*served)


async def test_a_server_that_hangs_is_given_up_within_seconds_and_asked_again(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_connection, "_PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(database, "CONNECT_SECONDS", 2.0)
    async with open_way(postgres) as (dsn, passing), open_database(dsn) as pool:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        passing.clear()
        for _ in range(2):  # a connection that is open, and new ones
            started = time.monotonic()
            with pytest.raises(psycopg.OperationalError):
                async with pool.connection() as connection:
                    await connection.execute("SELECT 1")
            assert time.monotonic() - started < 5
        passing.set()
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")


async def test_a_query_under_way_is_given_up_where_its_server_hangs_and_not_where_it_works(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_connection, "_PATIENCE_SECONDS", 0.2)
    async with open_way(postgres) as (dsn, passing), open_database(dsn) as pool, pool.connection() as connection:
        await connection.execute("SELECT pg_sleep(1.5)")
        passing.clear()
        with pytest.raises(psycopg.OperationalError, match="it is connected, but hangs"):
            await connection.execute("SELECT pg_sleep(100)")


async def test_limits_of_ones_own_win(postgres: str) -> None:
    async with open_database(make_conninfo(postgres, keepalives_idle=60)) as pool, pool.connection() as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "60"


async def test_a_user_who_may_not_set_it_up(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("CREATE DATABASE guests")
    try:
        # The role of a session is the one in its options: who may connect is somebody else's matter.
        refusal = await _refusal(make_conninfo(postgres, dbname="guests", options="-c role=guest"))
        assert "does not let its user set it up" in refusal
        assert "CREATE EXTENSION vector" in refusal
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("DROP DATABASE guests")
            connection.execute("DROP ROLE guest")
