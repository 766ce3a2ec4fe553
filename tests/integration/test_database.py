"""A database that cannot serve is refused in one sentence, without its password."""

import socket

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

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
    assert 'database "missing" does not exist' in await _refusal(make_conninfo(postgres, dbname="missing"))


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
