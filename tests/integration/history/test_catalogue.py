"""The list of runs on record, and the search in it."""

from datetime import UTC, datetime

from psycopg_pool import AsyncConnectionPool

from activities.history.catalogue import RunCatalogue, RunFilter
from hydra_cli.recorded_runs import list_rows
from hydranet.genealogy import Verdict
from tests.integration.finished_runs import Keep


async def test_runs_are_found_by_what_they_are_about(pool: AsyncConnectionPool, keep: Keep) -> None:
    await keep("fix-depot-1", began="2026-03-01T10:00:00+00:00")
    await keep("fix-depot-2", began="2026-03-02T10:00:00+00:00", verdict=Verdict.EXHAUSTED, title="Taxes are wrong")
    await keep("fix-shop-1", began="2026-03-03T10:00:00+00:00", repository_name="shop", branches=())
    catalogue = RunCatalogue(pool)

    async def find(**wanted: object) -> list[str]:
        return [run.run_id async for run in catalogue.list_all(RunFilter(**wanted), page=1)]  # type: ignore[arg-type]

    assert await find() == ["fix-shop-1", "fix-depot-2", "fix-depot-1"]
    assert await find(repository="depot") == ["fix-depot-2", "fix-depot-1"]
    assert await find(verdict="exhausted") == ["fix-depot-2"]
    assert await find(since=datetime(2026, 3, 2, 10, tzinfo=UTC)) == ["fix-shop-1", "fix-depot-2"]
    assert await find(text="taxes") == ["fix-depot-2"]
    assert await find(text="depot/invoice.py") == ["fix-depot-2", "fix-depot-1"], "a file of a strategy"
    assert await find(text="read_inv ladd") == ["fix-shop-1", "fix-depot-2", "fix-depot-1"], "beginnings in the issue"
    assert await find(text="tax & ! | 'ladder") == ["fix-depot-2"], "signs are no operators"
    assert await find(text="nowhere") == []
    (newest, *_) = await catalogue.read_page()
    assert (newest.branches, newest.reaps, newest.highest_convergence) == (0, 0, 0.0)
    (last,) = [run async for run in catalogue.list_all(RunFilter(text="fix-depot-1"))]
    assert (last.branches, last.reaps, last.highest_convergence, last.verdict) == (2, 1, 0.9, "fixed")
    assert last.title == "Printing an invoice crashes"


async def test_ids_are_found_by_a_part(pool: AsyncConnectionPool, keep: Keep) -> None:
    for run_id in ("fix-a", "fix-a-2", "fix-b"):
        await keep(run_id)
    catalogue = RunCatalogue(pool)
    assert await catalogue.find("fix-a") == ["fix-a"]
    assert sorted(await catalogue.find("-a")) == ["fix-a", "fix-a-2"]
    assert await catalogue.list_ids("fix-a") == {"fix-a", "fix-a-2"}
    assert await catalogue.find_start("fix-a") == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert await catalogue.find_start("fix-c") is None


async def test_all_runs_are_listed_with_those_that_temporal_alone_knows(pool: AsyncConnectionPool, keep: Keep) -> None:
    await keep("fix-a")
    await keep("fix-b", verdict=None)
    known = {
        "fix-b": ["fix-b", "terminated", "1", "0", "0.50", "2026-03-01 10:00"],
        "fix-c": ["fix-c", "terminated", "0", "0", "0.00", "2025-03-01 10:00"],
    }
    rows = await list_rows(str(pool.conninfo), RunFilter(), known)
    assert {row[0]: row[1] for row in rows} == {"fix-a": "fixed", "fix-b": "terminated", "fix-c": "terminated"}
    assert [row[0] for row in rows][-1] == "fix-c", "the oldest"
    found = await list_rows(str(pool.conninfo), RunFilter(text="ladder"), {})
    assert {row[0]: row[1] for row in found} == {"fix-a": "fixed", "fix-b": "unfinished"}
