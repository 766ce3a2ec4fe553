"""What is old is removed, and what a run may still need is not."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from psycopg_pool import AsyncConnectionPool
from temporalio.service import RPCError

from activities.artifacts.store import PostgresArtifacts, hash_content
from activities.cache_use import mark_used
from activities.history.catalogue import RunCatalogue
from activities.retention.caches import sweep_caches
from activities.retention.records import is_sweep_due, sweep_database
from activities.retention.references import sweep_references
from hydranet.genealogy import Verdict
from hydranet.names import SWEEP_WORKFLOW
from hydranet.retention import RetentionSettings
from tests.integration.finished_runs import Keep
from tests.workflows.environment import dev_server
from workers.sweeps import arrange_sweeps

NOW = datetime.now(UTC)
DAY = 86_400
KEPT = RetentionSettings()


async def age(pool: AsyncConnectionPool, table: str, column: str, days: int, where: str = "true") -> None:
    async with pool.connection() as connection:
        statement = f"UPDATE {table} SET {column} = now() - make_interval(days => {days}) WHERE {where}"
        await connection.execute(statement.encode())


async def count(pool: AsyncConnectionPool, table: str) -> int:
    async with pool.connection() as connection:
        cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_old_runs_go_with_all_that_belongs_to_them(pool: AsyncConnectionPool, keep: Keep) -> None:
    for run_id in ("fix-old", "fix-open", "fix-new"):
        await keep(run_id)
    await age(pool, "runs", "updated_at", 400, "run_id <> 'fix-new'")
    await age(pool, "artifacts", "used_at", 400)
    (runs, artifacts) = await sweep_database(pool, KEPT, NOW, ["fix-open"], dry_run=True)
    assert (runs.count, artifacts.count, await count(pool, "runs")) == (1, 1, 3)
    (runs, artifacts) = await sweep_database(pool, KEPT, NOW, ["fix-open"], dry_run=False)
    assert (runs.count, artifacts.count) == (1, 1)
    assert {run.run_id for run in await RunCatalogue(pool).read_page()} == {"fix-open", "fix-new"}
    assert [await count(pool, table) for table in ("branches", "run_logs", "artifacts")] == [4, 2, 4]
    forever = RetentionSettings(runs_days=0, artifacts_days=0)
    assert await sweep_database(pool, forever, NOW, [], dry_run=False) == []


async def test_artifacts_stay_while_a_run_is_open_that_began_before_their_last_use(
    pool: AsyncConnectionPool,
    keep: Keep,
) -> None:
    await keep("fix-a")
    store = PostgresArtifacts(pool)
    for content in (b"old", b"used again"):
        await store.put(content)
    await age(pool, "artifacts", "used_at", 40)
    began = NOW - timedelta(days=50)
    assert (await sweep_database(pool, KEPT, began, [], dry_run=True))[1].count == 0, "a run is open since then"
    await store.put(b"used again")
    removed = (await sweep_database(pool, KEPT, NOW, [], dry_run=False))[1]
    assert (removed.count, removed.size) == (1, 3)
    with pytest.raises(LookupError):
        await store.get(hash_content(b"old", ""))
    assert await store.get(hash_content(b"used again", "")) == b"used again"
    assert await count(pool, "artifacts") == 4, "the transcript, the patch and the contest of the run stay"


async def test_a_sweep_is_due_a_day_after_the_last(pool: AsyncConnectionPool) -> None:
    assert not await is_sweep_due(pool), "nothing is old in a new database"
    await age(pool, "sweeps", "swept_at", 2)
    assert await is_sweep_due(pool)
    await sweep_database(pool, KEPT, NOW, [], dry_run=False)
    assert not await is_sweep_due(pool)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[str], list[str]]:
    """A repository with the checkpoints of three runs; called with git's arguments it gives the lines of its answer."""

    def git(arguments: str) -> list[str]:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments.split()]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()

    git("init --quiet")
    git("commit --quiet --allow-empty --message base")
    for run in ("fix-fixed", "fix-unclear", "fix-failed", "fix-recent"):
        for branch in (1, 2):
            for attempt in range(1, branch + 1):
                git(f"update-ref refs/hydra/{run}/b0{branch}/attempt-00{attempt} HEAD")
    git("update-ref refs/hydra/fix-fixed/notes HEAD")
    git("branch hydra/fix-it")
    return git


async def test_checkpoints_of_dead_attempts_go_after_a_fix(
    pool: AsyncConnectionPool,
    keep: Keep,
    repository: Callable[[str], list[str]],
    tmp_path: Path,
) -> None:
    await keep("fix-fixed")
    await keep("fix-unclear", verdict=Verdict.AMBIGUOUS)
    await keep("fix-failed", verdict=Verdict.EXHAUSTED)
    await keep("fix-recent")
    await age(pool, "runs", "updated_at", 40, "run_id <> 'fix-recent'")
    before = repository("for-each-ref --format=%(refname)")
    removed, problems = await sweep_references(pool, [str(tmp_path), "/missing"], 30, dry_run=True)
    assert (removed.count, len(problems), repository("for-each-ref --format=%(refname)")) == (4, 1, before)
    removed, _ = await sweep_references(pool, [str(tmp_path)], 30, dry_run=False)
    assert removed.count == 4
    left = set(repository("for-each-ref --format=%(refname)"))
    dead = ("b01/attempt-001", "b02/attempt-001")
    assert set(before) - left == {f"refs/hydra/{run}/{name}" for run in ("fix-fixed", "fix-unclear") for name in dead}
    assert (await sweep_references(pool, [str(tmp_path)], 0, dry_run=False))[0].count == 0


def make_old(path: Path, days: int) -> None:
    path.mkdir(parents=True)
    (path / "file").write_text("x" * 10_000)
    (path / "file").chmod(0o400)
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def test_caches_go_after_their_last_use(tmp_path: Path) -> None:
    for name in ("objects/old", "objects/used", "trees/old", "environments/old", "environments/locked"):
        make_old(tmp_path / name, 100)
    make_old(tmp_path / "environments" / "younger", 40)
    make_old(tmp_path / "environments" / "killed.swept", 100)
    mark_used(tmp_path / "objects" / "used")
    with FileLock(tmp_path / "environments" / "locked.lock"):
        then = time.time() - 100 * DAY
        os.utime(tmp_path / "environments" / "locked.lock", (then, then))
        counted = sweep_caches(tmp_path, KEPT, NOW, dry_run=True)
        assert [removal.count for removal in counted] == [1, 1, 3]
        assert counted[0].size >= 10_000
        needed = sweep_caches(tmp_path, KEPT, NOW - timedelta(days=365), dry_run=True)
        assert [removal.count for removal in needed] == [0, 0, 0], "a run is open since then"
        swept = sweep_caches(tmp_path, KEPT, NOW, dry_run=False)
    assert [removal.count for removal in swept] == [1, 1, 2]
    left = sorted(f"{path.parent.name}/{path.name}" for path in tmp_path.glob("*/*") if path.is_dir())
    assert left == ["environments/locked", "environments/younger", "objects/used"]


async def test_a_stack_that_starts_sweeps_once_where_that_is_due(pool: AsyncConnectionPool) -> None:
    async with dev_server() as client:
        await arrange_sweeps(client, pool)
        assert [schedule.id async for schedule in await client.list_schedules()] != []
        sweep = client.get_workflow_handle("sweep")
        with pytest.raises(RPCError, match="not found"):
            await sweep.describe()
        await age(pool, "sweeps", "swept_at", 2)
        await arrange_sweeps(client, pool)
        first = (await sweep.describe()).run_id
        await arrange_sweeps(client, pool)
        described = await sweep.describe()
        assert (described.run_id, described.workflow_type) == (first, SWEEP_WORKFLOW)
