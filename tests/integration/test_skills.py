"""How a model has done is kept over runs: added up, once for each run, by model, edit form and size."""

from psycopg_pool import AsyncConnectionPool

from activities.artifacts.records import RecordActivities
from activities.artifacts.store import PostgresArtifacts
from hydranet.allocation import SkillRecord
from hydranet.contracts import RecordRequest, Skills
from hydranet.genealogy import Genealogy

MODEL = "ollama:coder:1.5b"


async def record(activities: RecordActivities, run_id: str, *records: SkillRecord) -> None:
    run = Genealogy(run_id=run_id, repository_name="r", title="t")
    await activities.record_genealogy(RecordRequest(run_id=run_id, run=run))
    await activities.record_skills(Skills(run_id=run_id, records=records))


def skill(passed: int, failed: float, form: str = "hunk", model: str = MODEL) -> SkillRecord:
    return SkillRecord(model=model, form=form, passed=passed, failed=failed)


async def test_runs_add_up_by_form_and_model(pool: AsyncConnectionPool) -> None:
    activities = RecordActivities(pool, PostgresArtifacts(pool))
    await record(activities, "fix-a", skill(1, 2.5), skill(0, 1.0, "function"))
    await record(activities, "fix-b", skill(0, 4.0), skill(0, 9.0, model="another"))
    skills = await activities.read_skills(MODEL)
    assert skills.records == (skill(1, 6.5), skill(0, 1.0, "function"))
    assert (await activities.read_skills("unknown")).records == ()


async def test_a_run_counts_once_however_often_it_is_recorded(pool: AsyncConnectionPool) -> None:
    activities = RecordActivities(pool, PostgresArtifacts(pool))
    for _ in range(3):
        await record(activities, "fix-a", skill(1, 2.5))
    assert (await activities.read_skills(MODEL)).records == (skill(1, 2.5),)


async def test_a_run_that_is_not_on_record_adds_nothing(pool: AsyncConnectionPool) -> None:
    activities = RecordActivities(pool, PostgresArtifacts(pool))
    await activities.record_skills(Skills(run_id="fix-gone", records=(skill(1, 0.0),)))
    assert (await activities.read_skills(MODEL)).records == ()
