"""Searches over the store's graphs: indexed when asked for, with the vectors there are, and without a database."""

from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.retrieval.embeddings import Vectors
from activities.retrieval.manifest import survey_tree
from activities.retrieval.query import Query
from activities.retrieval.search import Found
from activities.retrieval.search_cache import Searches, StoredSearches
from hydranet.contracts.retrieval import SearchMode
from hydranet.settings import Settings
from tests.integration.retrieval.embedding_server import serving
from tests.integration.retrieval.graphs import commit, git, module, repository


async def found(searches: Searches, folder: Path, query: Query, mode: SearchMode = SearchMode.GRAPH) -> Found:
    search = await searches.of(folder, git(folder, "rev-parse", "HEAD"), str(folder))
    return await searches.find(search, query, str(folder), mode)


async def test_the_store_and_memory_find_the_same(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    for mode in SearchMode:
        kept = await found(StoredSearches(pool, Settings()), folder, Query("run1 of part 2"), mode)
        made = await found(Searches(), folder, Query("run1 of part 2"), mode)
        assert kept.functions(5) == made.functions(5)
        assert kept.ranked(5) == made.ranked(5)


async def test_a_fix_is_remembered_for_like_issues_until_it_is_forgotten(
    pool: AsyncConnectionPool, tmp_path: Path
) -> None:
    folder, searches, issue = repository(tmp_path / "a"), StoredSearches(pool, Settings()), "Everything is late"
    before = [hit.node.id for hit in (await found(searches, folder, Query(issue))).functions(20)]
    last = before[-1]
    path, _, name = last.partition("::")
    line = next(
        hit.node.first for hit in (await found(searches, folder, Query(issue))).functions(20) if hit.node.id == last
    )
    commit = git(folder, "rev-parse", "HEAD")
    await searches.remember(folder, commit, str(folder), issue, [f"{path}:{line}", "gone.py:3"])
    after = [hit.node.id for hit in (await found(searches, folder, Query(issue))).functions(20)]
    assert after.index(last) < before.index(last)
    assert [(fix.path, fix.name) for fix in await searches.fixes.of(str(folder))] == [(path, name)]
    assert await searches.fixes.of("elsewhere") == []
    assert await searches.fixes.forget(str(folder)) == 1
    assert [hit.node.id for hit in (await found(searches, folder, Query(issue))).functions(20)] == before


async def test_without_a_database_the_graph_is_made_in_memory(
    pool: AsyncConnectionPool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, searches = repository(tmp_path / "a"), StoredSearches(pool, Settings())
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE code_trees RENAME TO gone")
    search = await searches.of(folder, git(folder, "rev-parse", "HEAD"), str(folder))
    assert search.find(Query("run1 of part 2")).ranked(1)
    assert "made in memory" in caplog.text


async def test_the_vectors_of_a_model_are_used_as_soon_as_they_are_there(
    pool: AsyncConnectionPool, tmp_path: Path
) -> None:
    folder, query, tree = (
        repository(tmp_path / "a"),
        Query("run1 of part 2"),
        survey_tree(tmp_path / "a", "HEAD", "").address,
    )
    with serving() as endpoint:
        settings = Settings(embedding_model=endpoint.model)
        searches = StoredSearches(pool, settings)
        by_spelling = (await found(StoredSearches(pool, Settings()), folder, query, SearchMode.VECTOR)).ranked(5)

        endpoint.down = True
        assert (await found(searches, folder, query, SearchMode.VECTOR)).ranked(5) == by_spelling
        endpoint.down = False
        await Vectors(searches.store, settings.models).embed(tree, endpoint.model)
        assert (await found(searches, folder, query, SearchMode.VECTOR)).ranked(5) != by_spelling
        assert endpoint.texts[-1] == query.text


async def test_a_search_makes_the_vectors_of_what_was_changed(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    with serving() as endpoint:
        searches = StoredSearches(pool, Settings(embedding_model=endpoint.model))
        await found(searches, folder, Query("run1 of part 2"))
        endpoint.texts.clear()
        (folder / "part1.py").write_text(module(1).replace("return 0", "return 17"))
        commit(folder)
        await found(searches, folder, Query("nothing"))
    assert any("return 17" in text for text in endpoint.texts)
    assert not any("part2" in text for text in endpoint.texts)


async def test_a_search_goes_on_while_the_model_does_not_answer(pool: AsyncConnectionPool, tmp_path: Path) -> None:
    folder, query = repository(tmp_path / "a"), Query("run1 of part 2")
    with serving() as endpoint:
        searches = StoredSearches(pool, Settings(embedding_model=endpoint.model))
        await found(searches, folder, query)
        endpoint.down = True
        assert (await found(searches, folder, query)).ranked(1)
