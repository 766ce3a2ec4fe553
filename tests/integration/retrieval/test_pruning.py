"""Pruning a real PostgreSQL: what nothing uses goes, what something uses or is about to use stays whole."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.retrieval.embeddings import Vectors
from activities.retrieval.indexing import Indexer
from activities.retrieval.manifest import survey_tree
from activities.retrieval.sql import load_statement
from activities.retrieval.store import GraphStore
from hydranet.errors import FatalError, TransientError
from hydranet.settings import ModelSettings
from tests.integration.retrieval.graphs import age, commit, git, module, repository, rows

Pools = Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]]


async def index(pool: AsyncConnectionPool, folder: Path, commit: str = "HEAD") -> bytes:
    """Index a commit, with lexical vectors, as the workflow does; its tree."""
    indexer = Indexer(GraphStore(pool))
    tree = await indexer.ensure(folder, commit, str(folder))
    await indexer.settle(survey_tree(folder, commit, str(folder)))
    await Vectors(GraphStore(pool), ModelSettings()).embed(tree, "")
    return tree


def change(folder: Path) -> None:
    """Commit another text of one of the files."""
    (folder / "part1.py").write_text(module(1, 4))
    commit(folder)


async def test_what_nothing_uses_any_more_is_removed_and_nothing_else(fresh: Pools, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    async with fresh() as pool, fresh() as clean:
        old = await index(pool, folder)
        change(folder)
        new = await index(pool, folder)
        before = await rows(pool)
        await GraphStore(pool).prune()
        assert await rows(pool) == before
        await age(pool)
        await GraphStore(pool).prune()
        await index(clean, folder)
        assert await rows(pool) == await rows(clean)
        with pytest.raises(TransientError, match="not in the index any more"):
            await GraphStore(pool).load(old)
        assert (await GraphStore(pool).load(new)).nodes == (await GraphStore(clean).load(new)).nodes


async def test_indexing_keeps_the_tree_it_grew_from_and_prunes_those_before(
    pool: AsyncConnectionPool, tmp_path: Path
) -> None:
    folder, store = repository(tmp_path / "a"), GraphStore(pool)
    trees = []
    for number in range(3):
        (folder / "part9.py").write_text(f"x = {number}\n")
        commit(folder)
        trees.append(await index(pool, folder))
        await age(pool)
        assert await store.tree_count() == min(number + 1, 2)
    assert [await store.has_tree(tree) for tree in trees] == [False, True, True]


async def test_the_trees_of_other_repositories_and_what_is_shared_with_them_stay(fresh: Pools, tmp_path: Path) -> None:
    folder, other = repository(tmp_path / "a"), repository(tmp_path / "b", 3)
    async with fresh() as pool, fresh() as clean:
        await index(pool, folder)
        tree = await index(pool, other)
        git(folder, "rm", "-q", "part1.py")
        commit(folder)
        await index(pool, folder)
        await age(pool)
        await GraphStore(pool).prune()
        await index(clean, other)
        await index(clean, folder)
        assert await rows(pool) == await rows(clean)
        mine, theirs = await GraphStore(pool).load(tree), await GraphStore(clean).load(tree)
        assert (mine.nodes, sorted(mine.edges)) == (theirs.nodes, sorted(theirs.edges))


async def test_an_indexing_under_way_keeps_what_it_found(fresh: Pools, tmp_path: Path) -> None:
    """Somebody prunes between any two steps of indexing a commit whose parts nobody else uses."""
    folder = repository(tmp_path / "a")
    async with fresh() as pool, fresh() as clean:
        await index(pool, folder)
        change(folder)
        await index(pool, folder)
        git(folder, "checkout", "-q", "HEAD^")
        (folder / "part9.py").write_text("x = 1\n")
        commit(folder)
        await age(pool)
        store, manifest = GraphStore(pool), survey_tree(folder, "HEAD", str(folder))
        indexer = Indexer(store)
        missing = await indexer.missing(manifest)
        assert [file.path for file in missing] == ["part9.py"]
        await store.prune()
        await indexer.send(folder, missing)
        await store.prune()
        await indexer.parse(missing)
        await store.prune()
        await indexer.link(manifest)
        tree = await index(clean, folder)
        mine, theirs = await store.load(tree), await GraphStore(clean).load(tree)
        assert (mine.nodes, sorted(mine.edges)) == (theirs.nodes, sorted(theirs.edges))


async def test_an_indexing_that_waited_for_days_is_told_to_begin_again(
    pool: AsyncConnectionPool, tmp_path: Path
) -> None:
    folder = repository(tmp_path / "a")
    store, manifest = GraphStore(pool), survey_tree(folder, "HEAD", str(folder))
    indexer = Indexer(store)
    missing = await indexer.missing(manifest)
    await indexer.send(folder, missing)
    await indexer.parse(missing)
    await age(pool)
    await store.prune()
    with pytest.raises(FatalError, match="run `hydra index` again"):
        await indexer.link(manifest)
    assert await store.tree_count() == 0


async def test_a_tree_that_somebody_is_about_to_read_is_not_pruned(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    tree = await index(pool, folder)
    whole = await GraphStore(pool).load(tree)
    change(folder)
    await index(pool, folder)
    await age(pool)
    async with pool.connection() as reader, reader.transaction():
        await reader.execute(load_statement("touch_trees"), [[tree]])
        await GraphStore(pool).prune()
    await GraphStore(pool).prune()
    found = await GraphStore(pool).load(tree)
    assert (found.nodes, sorted(found.edges)) == (whole.nodes, sorted(whole.edges))
