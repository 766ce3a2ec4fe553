"""The version of the contract in the database: the supervisor writes it, and nodes of another are refused."""

from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from hydranet.errors import UsageError
from workers import versions
from workers.sealing import KeyRing, derive_role_key
from workers.versions import VersionGuard, watch_version

KEYS = KeyRing(Path("seal"), [b"1" * 32])


async def start(pool: AsyncConnectionPool, version: str, *roles: str, keys: KeyRing = KEYS) -> VersionGuard:
    guard = VersionGuard(version)
    async with watch_version(pool, guard, keys, roles or ["sandbox"]):
        return guard


async def test_nodes_start_with_the_version_of_the_supervisor_alone(pool: AsyncConnectionPool) -> None:
    assert (await start(pool, "1")).stack == ""
    await start(pool, "2", "supervisor")
    assert (await start(pool, "2")).stack == "2"
    with pytest.raises(UsageError, match=r"^This node has an older version .* \(contract 1, not 2\)"):
        await start(pool, "1")
    with pytest.raises(UsageError, match=r"^This node has a newer version .* \(contract 10, not 2\)"):
        await start(pool, "10")


async def test_an_older_supervisor_does_not_take_the_stack_back(pool: AsyncConnectionPool) -> None:
    await start(pool, "2", "supervisor")
    await start(pool, "10", "supervisor")
    with pytest.raises(UsageError, match=r"older version .* \(contract 2, not 10\)"):
        await start(pool, "2", "supervisor")
    assert (await start(pool, "10")).stack == "10"


async def test_a_node_without_work_notices_that_the_stack_was_updated(
    pool: AsyncConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_WATCH_SECONDS", 0.01)
    await start(pool, "1", "supervisor")
    guard = VersionGuard("1")
    async with watch_version(pool, guard, KEYS, ["sandbox"]):
        await start(pool, "2", "supervisor")
        await guard.refused.wait()
    assert "older version of HydraNet than the stack (contract 1, not 2)" in guard.reason


async def test_a_node_with_another_key_than_the_stack_is_told_at_its_start(pool: AsyncConnectionPool) -> None:
    await start(pool, "1", "supervisor")
    other = KeyRing(Path("other"), [b"2" * 32])
    with pytest.raises(UsageError, match="key of the role 'inference' in other is not that of the stack: join the"):
        await start(pool, "1", "inference", keys=other)
    # A stack with a new key has the old one too, and so may nodes that joined before it.
    await start(pool, "1", "supervisor", keys=KeyRing(Path("seal"), [b"2" * 32, b"1" * 32]))
    await start(pool, "1", "inference", keys=other)
    both = [derive_role_key(key * 32, "sandbox") for key in (b"1", b"2")]
    await start(pool, "1", "sandbox", keys=KeyRing(Path("node"), [], {"sandbox": both}))
    with pytest.raises(UsageError, match="role 'sandbox'"):
        await start(pool, "1", "sandbox", keys=KeyRing(Path("node"), [], {"sandbox": both[:1]}))
