"""The values of `sandbox.env` in the database: sealed, found by reference, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.variables import SealedVariables, remove_variables, sweep_variables
from hydranet.errors import FatalError, UsageError
from workers.sealing import KeyRing

VALUES = {"TOKEN": "hush-hush-4711", "KEY": "line\nline ü"}


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "seal", [bytes(32)])


async def rows(pool: AsyncConnectionPool) -> list[tuple[str, bytes]]:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT run_id, sealed FROM sandbox_variables ORDER BY run_id")
        return [(run_id, bytes(sealed)) for run_id, sealed in await cursor.fetchall()]


@pytest.mark.parametrize("word", [b"hush", b"TOKEN", "ü".encode()])
async def test_values_lie_sealed_and_are_read_by_reference(
    pool: AsyncConnectionPool, keys: KeyRing, word: bytes
) -> None:
    references = await SealedVariables(pool, keys).keep("fix-a", VALUES)
    assert await SealedVariables(pool, keys).read(references) == VALUES
    kept = await rows(pool)
    assert [run_id for run_id, _ in kept] == ["fix-a", "fix-a"]
    assert not any(word in sealed for _, sealed in kept)
    assert word.decode() not in str(references.values())


async def test_values_are_read_with_the_key_alone(pool: AsyncConnectionPool, keys: KeyRing, tmp_path: Path) -> None:
    references = await SealedVariables(pool, keys).keep("fix-a", VALUES)
    other = SealedVariables(pool, KeyRing(tmp_path / "other", [b"1" * 32]))
    with pytest.raises(UsageError, match=str(tmp_path / "other")):
        await other.read(references)


@pytest.mark.parametrize("change", ["swapped", "removed", "changed"])
async def test_a_value_stands_under_its_own_reference_alone(
    pool: AsyncConnectionPool, keys: KeyRing, change: str
) -> None:
    variables = SealedVariables(pool, keys)
    references = await variables.keep("fix-a", VALUES)
    statement = {
        "swapped": "UPDATE sandbox_variables SET sealed = (SELECT sealed FROM sandbox_variables WHERE reference = %s)",
        "removed": "DELETE FROM sandbox_variables WHERE reference <> %s",
        "changed": "UPDATE sandbox_variables SET sealed = sealed || '\\x00'::bytea WHERE reference <> %s",
    }[change]
    async with pool.connection() as connection:
        await connection.execute(statement.encode(), (references["KEY"],))
    with pytest.raises(FatalError, match=r"'TOKEN' in 'sandbox\.env' is not kept any more") as raised:
        await variables.read(references)
    assert "hush" not in str(raised.value)
    assert await variables.read({"KEY": references["KEY"]}) == {"KEY": VALUES["KEY"]}


async def test_the_values_of_a_run_are_removed_and_no_others(pool: AsyncConnectionPool, keys: KeyRing) -> None:
    variables = SealedVariables(pool, keys)
    mine = await variables.keep("fix-a", VALUES)
    second = await variables.keep("fix-a-2", VALUES)
    again = await variables.keep("fix-a", VALUES)
    await variables.remove(again.values())
    assert await variables.read(mine) == VALUES
    await remove_variables(pool, "fix-a")
    assert await variables.read(second) == VALUES
    assert len(await rows(pool)) == len(VALUES)


async def test_old_values_of_runs_that_are_not_open_are_swept(pool: AsyncConnectionPool, keys: KeyRing) -> None:
    variables = SealedVariables(pool, keys)
    for run_id in ("open", "over", "starting"):
        await variables.keep(run_id, {"A": "1"})
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE sandbox_variables SET created_at = now() - interval '2 hours' WHERE run_id <> 'starting'"
        )
    asked: list[str] = []

    async def is_open(run_id: str) -> bool:
        asked.append(run_id)
        return run_id == "open"

    await sweep_variables(pool, is_open)
    assert [run_id for run_id, _ in await rows(pool)] == ["open", "starting"]
    assert sorted(asked) == ["open", "over"]


async def test_a_digest_tells_values_apart_and_needs_the_key(
    pool: AsyncConnectionPool, keys: KeyRing, tmp_path: Path
) -> None:
    variables = SealedVariables(pool, keys)
    digests = [variables.digest(values) for values in ({"A": "1"}, {"A": "2"}, {"B": "1"}, {"A": "1", "B": ""})]
    assert len(set(digests)) == 4
    assert variables.digest({"B": "2", "A": "1"}) == variables.digest({"A": "1", "B": "2"})
    assert SealedVariables(pool, KeyRing(tmp_path, [b"1" * 32])).digest({"A": "1"}) not in digests
    assert variables.digest({}) == ""
