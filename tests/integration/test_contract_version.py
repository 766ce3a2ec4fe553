"""The version of the contract in the database: the supervisor writes it, and nodes of another are refused."""

import pytest
from psycopg_pool import AsyncConnectionPool

from hydranet.errors import UsageError
from workers import versions
from workers.versions import VersionGuard, watch_version


async def start(pool: AsyncConnectionPool, version: str, *, is_supervisor: bool = False) -> VersionGuard:
    guard = VersionGuard(version)
    async with watch_version(pool, guard, is_supervisor=is_supervisor):
        return guard


async def test_nodes_start_with_the_version_of_the_supervisor_alone(pool: AsyncConnectionPool) -> None:
    assert (await start(pool, "1")).stack == ""
    await start(pool, "2", is_supervisor=True)
    assert (await start(pool, "2")).stack == "2"
    with pytest.raises(UsageError, match=r"^This node has an older version .* \(contract 1, not 2\)"):
        await start(pool, "1")
    with pytest.raises(UsageError, match=r"^This node has a newer version .* \(contract 10, not 2\)"):
        await start(pool, "10")


async def test_an_older_supervisor_does_not_take_the_stack_back(pool: AsyncConnectionPool) -> None:
    await start(pool, "2", is_supervisor=True)
    await start(pool, "10", is_supervisor=True)
    with pytest.raises(UsageError, match=r"older version .* \(contract 2, not 10\)"):
        await start(pool, "2", is_supervisor=True)
    assert (await start(pool, "10")).stack == "10"


async def test_a_node_without_work_notices_that_the_stack_was_updated(
    pool: AsyncConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_WATCH_SECONDS", 0.01)
    await start(pool, "1", is_supervisor=True)
    guard = VersionGuard("1")
    async with watch_version(pool, guard, is_supervisor=False):
        await start(pool, "2", is_supervisor=True)
        await guard.refused.wait()
    assert "older version of HydraNet than the stack (contract 1, not 2)" in guard.reason
