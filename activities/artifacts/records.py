"""Records of every run: its issue, its genealogy, which outlives Temporal's retention, and how its model did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.allocation import SkillRecord
from hydranet.contracts import ArtifactRef, RecordRequest, Skills
from hydranet.genealogy import BranchRecord, Genealogy

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.artifacts.store import ArtifactStore


class RecordActivities:
    """Stores issues, writes genealogies as they grow, and removes the variables of runs that have ended."""

    def __init__(self, pool: AsyncConnectionPool, artifacts: ArtifactStore) -> None:
        self._pool = pool
        self._artifacts = artifacts

    @activity.defn
    @translate_errors
    async def store_issue(self, issue: str) -> ArtifactRef:
        """Store the text of a run's issue, for all that reads it."""
        from activities.artifacts.store import put_text

        return await put_text(self._artifacts, issue)

    @activity.defn
    @translate_errors
    async def record_genealogy(self, request: RecordRequest) -> None:
        """Record a run, or a branch of it; recording again overwrites."""
        async with self._pool.connection() as connection, connection.transaction():
            if request.run is not None:
                await connection.execute(
                    "INSERT INTO runs (run_id, genealogy) VALUES (%s, %s) ON CONFLICT (run_id) DO UPDATE"
                    " SET genealogy = excluded.genealogy, updated_at = now()",
                    (request.run_id, request.run.model_dump_json()),
                )
            if request.branch is not None:
                await connection.execute(
                    "INSERT INTO branches (run_id, number, branch) VALUES (%s, %s, %s)"
                    " ON CONFLICT (run_id, number) DO UPDATE SET branch = excluded.branch, updated_at = now()",
                    (request.run_id, request.branch.number, request.branch.model_dump_json()),
                )

    @activity.defn
    @translate_errors
    async def read_skills(self, model: str) -> Skills:
        """Return how often draws of a model have passed at right places, over all runs."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT form, long, passed, failed FROM skills WHERE model = %s"
                " ORDER BY passed + failed DESC, form, long LIMIT 20",
                (model,),
            )
            rows = await cursor.fetchall()
        records = (
            SkillRecord(model=model, form=form, long=long, passed=passed, failed=failed)
            for form, long, passed, failed in rows
        )
        return Skills(records=tuple(records))

    @activity.defn
    @translate_errors
    async def record_skills(self, skills: Skills) -> None:
        """Add the draws of a run, once: a run that is recorded again adds nothing."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "UPDATE runs SET skills_recorded = true WHERE run_id = %s AND NOT skills_recorded RETURNING run_id",
                (skills.run_id,),
            )
            if await cursor.fetchone() is None:
                return
            for record in skills.records:
                await connection.execute(
                    "INSERT INTO skills (model, form, long, passed, failed) VALUES (%s, %s, %s, %s, %s)"
                    " ON CONFLICT (model, form, long) DO UPDATE"
                    " SET passed = skills.passed + excluded.passed, failed = skills.failed + excluded.failed",
                    (record.model, record.form, record.long, record.passed, record.failed),
                )

    @activity.defn
    @translate_errors
    async def forget_variables(self, run_id: str) -> None:
        """Remove the values of a run's `sandbox.env`."""
        from activities.artifacts.variables import remove_variables

        await remove_variables(self._pool, run_id)


async def read_genealogy(pool: AsyncConnectionPool, run_id: str) -> Genealogy | None:
    """Return the genealogy on record for `run_id`, or None."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT genealogy::text FROM runs WHERE run_id = %s", (run_id,))
        row = await cursor.fetchone()
        if row is None:
            return None
        cursor = await connection.execute(
            "SELECT branch::text FROM branches WHERE run_id = %s ORDER BY number", (run_id,)
        )
        branches = tuple(BranchRecord.model_validate_json(text) for (text,) in await cursor.fetchall())
    return Genealogy.model_validate_json(row[0]).model_copy(update={"branches": branches})
