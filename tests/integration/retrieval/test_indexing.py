"""Indexing into a real PostgreSQL: whole, incremental, at the same time, and after a kill."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import migrate
from activities.retrieval.embeddings import Vectors
from activities.retrieval.indexing import Indexer
from activities.retrieval.manifest import survey_tree
from activities.retrieval.status import read_status
from activities.retrieval.store import GraphStore
from hydranet.code_graph.model import EdgeKind
from hydranet.settings import ModelSettings
from tests.integration.retrieval.graphs import commit, git, module, repository, rows

Pools = Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]]


async def index(pool: AsyncConnectionPool, folder: Path) -> tuple[bytes, int]:
    """Index HEAD as the workflow does few files; the tree, and how many files were linked."""
    indexer = Indexer(GraphStore(pool))
    manifest = survey_tree(folder, "HEAD", str(folder))
    await indexer.send(folder, await indexer.missing(manifest))
    linked = await indexer.link(manifest)
    await indexer.settle(manifest)
    return manifest.address, linked


async def test_the_graph_of_a_repository_is_kept_and_loaded(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    tree, linked = await index(pool, repository(tmp_path / "a", 2))
    graph = await GraphStore(pool).load(tree)
    assert linked == 2
    assert [node.id for node in graph.nodes if node.name.startswith("run")] == [
        f"part{part}.py::run{name}" for part in range(2) for name in range(3)
    ]
    assert len(graph.bodies.sizes) == len(graph.nodes)
    calls = {(edge.source, edge.target) for edge in graph.edges if edge.kind is EdgeKind.CALLS}
    assert ("part1.py::run1", "part0.py::run0") in calls


async def test_indexing_again_changes_no_row(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    await index(pool, folder)
    before = await rows(pool)
    assert await index(pool, folder) == (survey_tree(folder, "HEAD", "").address, 0)
    assert await rows(pool) == before


async def test_a_change_within_a_function_links_its_file_alone(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    await index(pool, folder)
    (folder / "part1.py").write_text(module(1).replace("return 0", "return 17"))
    commit(folder)
    assert (await index(pool, folder))[1] == 1


async def test_an_index_grown_by_steps_is_the_one_made_at_once(fresh: Pools, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    async with fresh() as grown, fresh() as clean:
        await index(grown, folder)
        (folder / "part0.py").write_text(module(0).replace("def run0", "def other"))
        (folder / "part4.py").write_text(module(4, 5))
        git(folder, "mv", "part2.py", "moved.py")
        commit(folder)
        tree, _ = await index(grown, folder)
        await index(clean, folder)
        mine, theirs = await GraphStore(grown).load(tree), await GraphStore(clean).load(tree)
    assert mine.nodes == theirs.nodes
    assert sorted(mine.edges) == sorted(theirs.edges)


async def test_two_repositories_share_what_they_have_in_common(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    await index(pool, repository(tmp_path / "a", 3))
    before = await rows(pool)
    await index(pool, repository(tmp_path / "b", 3))
    after = await rows(pool)
    assert {table: found for table, found in after.items() if table != "code_heads"} == {
        table: found for table, found in before.items() if table != "code_heads"
    }
    assert len(after["code_heads"]) == 2


async def test_two_indexers_at_once_make_what_one_makes(fresh: Pools, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a", 100)
    async with fresh() as pool, fresh() as clean:
        await asyncio.gather(*(index(pool, folder) for _ in range(3)))
        await index(clean, folder)
        assert await rows(pool) == await rows(clean)


@pytest.mark.parametrize("table", ["code_blobs", "code_links", "code_trees"])
async def test_a_killed_indexer_leaves_nothing_half_done(fresh: Pools, tmp_path: Path, table: str) -> None:
    """It is killed with SIGKILL in the middle of a transaction: it waits for a row that the test has claimed."""
    folder = repository(tmp_path / "a", 100)
    async with fresh() as pool, fresh() as clean:
        await index(clean, folder)
        whole = await rows(clean)
        claimed = whole[table][len(whole[table]) // 2]
        async with pool.connection() as connection, connection.transaction(force_rollback=True):
            values = ", ".join(["%s"] * len(claimed))
            await connection.execute(f"INSERT INTO {table} VALUES ({values})".encode(), claimed)
            await _killed_while_waiting(pool, folder)
        assert (await rows(pool))["code_trees"] == []
        await index(pool, folder)
        assert await rows(pool) == whole


async def _killed_while_waiting(pool: AsyncConnectionPool, folder: Path) -> None:
    """Start an indexer in a process of its own, and kill it when it waits for somebody's lock."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.retrieval.index_process", str(pool.conninfo), str(folder)),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with pool.connection() as connection:
        while not await (await connection.execute(waiting)).fetchall():
            assert process.returncode is None
        process.send_signal(signal.SIGKILL)
        await process.wait()
        # Its server process ends when it notices; until then it holds what it has claimed.
        await connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS waiting".encode())
        while await (await connection.execute(waiting)).fetchall():
            pass


async def test_what_is_left_out_by_its_content_is_counted(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a", 1)
    (folder / "made.py").write_text("# @generated\nx = 1\n")
    (folder / "notes.txt").write_text("x")
    commit(folder)
    await index(pool, folder)
    head = await GraphStore(pool).head(str(folder))
    assert head is not None
    assert dict(head.skipped) == {"generated": 1, "other language": 1}
    assert [file.path for file in await GraphStore(pool).files(head.tree)] == ["part0.py"]


async def test_the_status_says_what_of_head_is_not_indexed(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder, store = repository(tmp_path / "a", 3), GraphStore(pool)
    assert await read_status(store, folder) is None
    tree, _ = await index(pool, folder)
    graph = await store.load(tree)
    fresh_status = await read_status(store, folder)
    assert fresh_status is not None
    assert (fresh_status.stale, fresh_status.files, fresh_status.nodes) == ([], 3, len(graph.nodes))
    assert sum(fresh_status.edges.values()) == len(graph.edges)
    assert (fresh_status.size > 10_000, fresh_status.trees) == (True, 1)
    (folder / "part0.py").write_text("x = 1\n")
    (folder / "part9.py").write_text("x = 2\n")
    git(folder, "rm", "-q", "part2.py")
    commit(folder)
    stale = await read_status(store, folder)
    assert stale is not None
    assert (stale.changed, stale.added, stale.gone) == (["part0.py"], ["part9.py"], ["part2.py"])


async def test_vectors_come_later_and_once(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder, store = repository(tmp_path / "a", 3), GraphStore(pool)
    tree, _ = await index(pool, folder)
    nodes = await store.nodes(tree)
    assert await store.vectors(tree, "lexical", nodes) is None
    vectors = Vectors(store, ModelSettings())
    distinct = {node.digest for node in nodes}
    assert (await vectors.embed(tree, "")).made == len(distinct)
    found = await store.vectors(tree, "lexical", nodes)
    assert found is not None
    assert found.shape[0] == len(nodes)
    assert found.any(axis=1).all()
    assert (await vectors.embed(tree, "")).made == 0
    assert await store.vector_counts(tree) == {"lexical": len(distinct)}


async def test_migrations_run_once_however_many_start(pool: AsyncConnectionPool) -> None:
    await asyncio.gather(*(migrate(pool) for _ in range(4)))
    async with pool.connection() as connection:
        names = [name for (name,) in await (await connection.execute("SELECT name FROM migrations")).fetchall()]
    assert len(names) == len(set(names)) >= 2
