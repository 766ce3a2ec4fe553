"""The views of runs: records, and the states of open runs that a supervisor keeps while somebody observes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool

from activities.artifacts.observer import RunSnapshots
from activities.artifacts.records import RecordActivities
from activities.artifacts.store import PostgresArtifacts
from hydranet.contracts import RecordRequest
from hydranet.convergence.score import Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, PersonMessage, Verdict
from hydranet.strategy import Strategy

STARTED = datetime(2026, 11, 27, 12, tzinfo=UTC)


def make_run(run_id: str, *scores: float, **changes: Any) -> Genealogy:
    attempts = tuple(
        AttemptRecord(number=n, outcome=Outcome.FAILED, score=Score(value=score), after=10.0 * n, summary=f"try {n}")
        for n, score in enumerate(scores, 1)
    )
    branch = BranchRecord(number=1, id=f"{run_id}/b01", strategy=Strategy(title="one", kind="rewrite"), began=5.0)
    known = {"run_id": run_id, "repository_name": "demo", "title": "It breaks", "state": "working"}
    return Genealogy.model_validate(
        {**known, "branches": (branch.model_copy(update={"attempts": attempts}),), **changes}
    )


async def read(pool: AsyncConnectionPool, query: str) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_an_open_run_is_shown_as_it_was_seen_and_a_closed_one_as_it_is_recorded(
    pool: AsyncConnectionPool,
) -> None:
    snapshots, records = RunSnapshots(pool), RecordActivities(pool, PostgresArtifacts(pool))
    message = PersonMessage(kind="pause", sender="ann@laptop", after=12.0)
    open_run = make_run("fix-a", 0.0, 0.8, messages=(message,))
    await snapshots.record(STARTED, make_run("fix-a", 0.0))
    await snapshots.record(STARTED, open_run)
    attempts = "SELECT run_id, number, at, convergence, threshold FROM observed_attempts ORDER BY run_id, number"
    assert await read(pool, attempts) == [
        ("fix-a", 1, STARTED + timedelta(seconds=10), 0.0, 0.75),
        ("fix-a", 2, STARTED + timedelta(seconds=20), 0.8, 0.75),
    ]
    # A run is on record without its branches before it has a verdict.
    await records.record_genealogy(RecordRequest(run_id="fix-a", run=open_run.model_copy(update={"branches": ()})))
    assert len(await read(pool, attempts)) == 2
    assert await read(pool, "SELECT run_id, state, verdict FROM observed_runs") == [("fix-a", "working", None)]

    closed = make_run("fix-a", 0.0, 0.8, 0.9, verdict=Verdict.EXHAUSTED, reason="no more", messages=(message,))
    (branch,) = closed.branches
    reaped = branch.model_copy(update={"ending": Ending.REAPED, "reason": "it circles", "ended": 30.0})
    await records.record_genealogy(RecordRequest(run_id="fix-a", branch=reaped))
    await records.record_genealogy(RecordRequest(run_id="fix-a", run=closed.model_copy(update={"branches": ()})))
    await snapshots.record(STARTED, make_run("fix-b"))
    assert [convergence for _, _, _, convergence, _ in await read(pool, attempts)] == [0.0, 0.8, 0.9]
    assert await read(pool, "SELECT run_id, ending, highest_convergence, ended_at FROM observed_branches") == [
        ("fix-a", "reaped", 0.9, STARTED + timedelta(seconds=30)),
        ("fix-b", "running", 0.0, None),
    ]
    steps = await read(pool, "SELECT place, step FROM observed_steps WHERE run_id = 'fix-a' ORDER BY at, step")
    assert steps[:-1] == [
        ("run", "started: It breaks"),
        ("b01", "started: one"),
        ("b01", "attempt 1 failed, convergence 0.00: try 1"),
        ("person", "pause by ann@laptop"),
        ("b01", "attempt 2 failed, convergence 0.80: try 2"),
        ("b01", "attempt 3 failed, convergence 0.90: try 3"),
        ("b01", "reaped: it circles"),
    ]
    assert steps[-1] == ("run", "exhausted: no more")
    await snapshots.close(["fix-b"])
    states = "SELECT run_id, state, verdict FROM observed_runs ORDER BY run_id"
    assert await read(pool, states) == [("fix-a", "working", "exhausted"), ("fix-b", "working", None)]
    await snapshots.close([])
    assert (await read(pool, states))[1] == ("fix-b", "working", None), "it may have begun just now"
    async with pool.connection() as connection:
        await connection.execute("UPDATE run_snapshots SET seen_at = now() - interval '1 minute'")
    await snapshots.close([])
    assert (await read(pool, states))[1] == ("fix-b", "ended without a verdict", None)
    # What is on record with a verdict is kept once.
    assert await read(pool, "SELECT run_id FROM run_snapshots WHERE genealogy IS NOT NULL") == [("fix-b",)]


async def test_a_run_that_nobody_observed_begins_with_its_first_record(pool: AsyncConnectionPool) -> None:
    records = RecordActivities(pool, PostgresArtifacts(pool))
    run = make_run("fix-c", verdict=Verdict.FIXED, seconds=60.0).model_copy(update={"branches": ()})
    await records.record_genealogy(RecordRequest(run_id="fix-c", run=run))
    same = "SELECT o.started_at = r.started_at, o.seconds FROM observed_runs o JOIN runs r USING (run_id)"
    assert await read(pool, same) == [(True, 60.0)]
    plan = await read(pool, "EXPLAIN SELECT * FROM observed_attempts WHERE run_id = 'fix-c'")
    assert not [line for (line,) in plan if "Seq Scan on branches" in line]
    # The start of a run goes with its record.
    await RunSnapshots(pool).record(STARTED, run)
    await read(pool, "DELETE FROM runs RETURNING run_id")
    await RunSnapshots(pool).record(STARTED, make_run("fix-d"))
    assert await read(pool, "SELECT run_id FROM run_snapshots") == [("fix-d",)]
