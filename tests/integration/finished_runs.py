"""Runs that have ended, on record with their logs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.records import RecordActivities
from activities.artifacts.store import PostgresArtifacts
from activities.history.recording import keep_log
from hydranet.contracts import RecordRequest
from hydranet.convergence.score import Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.strategy import Strategy
from workers.sealing import KeyRing

Keep = Callable[..., Awaitable[Genealogy]]


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "seal", [bytes(32)])


def make_run(run_id: str, **changes: Any) -> Genealogy:
    """A run with a branch that was reaped and one that passed."""
    attempts = [
        AttemptRecord(number=1, outcome=Outcome.FAILED, score=Score(value=0.9), after=12.0, seconds=4.0),
        AttemptRecord(number=2, outcome=Outcome.PASSED, score=Score(value=0.1), after=30.0, seconds=4.0),
    ]
    branches = (
        BranchRecord(
            number=1,
            id=f"{run_id}/b01-guard",
            strategy=Strategy(title="Guard the invoice", kind="missing guard", target_files=("depot/invoice.py",)),
            attempts=(attempts[0],),
            ending=Ending.REAPED,
            reason="It circles.",
            began=1.0,
            ended=13.0,
        ),
        BranchRecord(
            number=2,
            id=f"{run_id}/b02-tier",
            strategy=Strategy(title="Correct the tier", kind="boundary", target_files=("depot/pricing.py",)),
            attempts=(attempts[1],),
            ending=Ending.PASSED,
            began=14.0,
            ended=31.0,
        ),
    )
    told = {
        "run_id": run_id,
        "repository_name": "depot",
        "title": "Printing an invoice crashes",
        "branches": branches,
        "verdict": Verdict.FIXED,
        "reason": "b02 Correct the tier",
        "published": "hydra/fix-printing",
        "seconds": 32.0,
    }
    return Genealogy.model_validate({**told, **changes})


@pytest.fixture
def keep(pool: AsyncConnectionPool, keys: KeyRing) -> Keep:
    """Puts a run on record with its log and an artifact of each kind, as at its end: `await keep("fix-a")`."""

    async def kept(run_id: str, began: str = "2026-03-01T10:00:00+00:00", **changes: Any) -> Genealogy:
        run, artifacts = make_run(run_id, **changes), PostgresArtifacts(pool)
        records = RecordActivities(pool, artifacts)
        await records.record_genealogy(RecordRequest(run_id=run_id, run=run.model_copy(update={"branches": ()})))
        for branch in run.branches:
            await records.record_genealogy(RecordRequest(run_id=run_id, branch=branch))
        # What this run alone has, and what all of them share.
        said = await artifacts.put(f'{{"purpose": "plan", "run": "{run_id}"}}'.encode(), "application/json")
        diff = await artifacts.put(b"--- a/x\n+++ b/x\n", "text/x-diff")
        contest = await artifacts.put(b'{"fixes": []}', "application/json")
        entries = [
            {"event": "started", "request": {"issue": "A single ladder breaks read_invoice()", "title": run.title}},
            {"event": "completed", "call": "plan", "result": {"transcript": said.model_dump()}},
            {
                "event": "completed",
                "call": "try_candidates",
                "result": {"diff": diff.model_dump(), "contest": contest.model_dump()},
            },
            {"event": "ended", "result": {"verdict": "fixed"}},
        ]
        assert await keep_log(pool, keys, run_id, [{"time": began, "workflow": run_id, **entry} for entry in entries])
        return run

    return kept
