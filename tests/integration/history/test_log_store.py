"""What is kept of a run that has ended."""

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.records import read_genealogy
from activities.history.log_store import ENTRY_BYTES, LOG_BYTES, LogStore, limit_entries
from activities.history.recording import keep_log
from hydranet.errors import UsageError
from tests.integration.finished_runs import Keep
from workers.sealing import KeyRing


async def test_a_log_lies_sealed_and_comes_back_as_it_was(
    pool: AsyncConnectionPool, keys: KeyRing, keep: Keep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = await keep("fix-a")
    entries = await LogStore(pool, keys).read("fix-a")
    assert entries is not None
    assert [entry["event"] for entry in entries] == ["started", "completed", "completed", "ended"]
    assert await read_genealogy(pool, "fix-a") == run
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT sealed FROM run_logs")
        assert b"ladder" not in bytes((await cursor.fetchall())[0][0])
        await connection.execute("INSERT INTO runs (run_id, genealogy) VALUES ('fix-b', '{}')")
        await connection.execute("INSERT INTO run_logs SELECT 'fix-b', key, sealed FROM run_logs")
    with pytest.raises(UsageError, match="was not written by HydraNet"):
        await LogStore(pool, keys).read("fix-b")
    with pytest.raises(UsageError, match="add the line of that key"):
        await LogStore(pool, KeyRing(tmp_path_factory.mktemp("other") / "seal", [b"x" * 32])).read("fix-a")


async def test_recording_again_overwrites(pool: AsyncConnectionPool, keys: KeyRing, keep: Keep) -> None:
    await keep("fix-a")
    await keep("fix-a", began="2026-03-02T10:00:00+00:00")
    entries = await LogStore(pool, keys).read("fix-a")
    assert entries is not None
    assert entries[0]["time"] == "2026-03-02T10:00:00+00:00"


async def test_a_run_that_is_not_on_record_has_no_log(pool: AsyncConnectionPool, keys: KeyRing) -> None:
    assert not await keep_log(pool, keys, "fix-none", [])
    assert await LogStore(pool, keys).read("fix-none") is None


def test_a_log_is_bounded() -> None:
    entry = {"time": "2026", "event": "completed", "workflow": "fix-a"}
    large = {**entry, "result": {"text": "x" * ENTRY_BYTES}}
    (shortened,) = limit_entries([large])
    assert shortened["event"] == "completed"
    assert shortened["cut"] > ENTRY_BYTES
    many = list(limit_entries({**entry, "result": "x" * 900_000} for _ in range(50)))
    assert len(many) < LOG_BYTES / 900_000 + 1
    assert many[-1] == {**entry, "event": "cut", "entries": 50 - (len(many) - 1)}
