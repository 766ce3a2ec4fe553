"""What a branch does before an attempt, and how a long one goes on as new."""

import pytest

from activities.artifacts.store import hash_content
from hydranet.budget import Budget
from tests.workflows.conftest import Start
from tests.workflows.world import NOTHING, World, failed, passed, strategy


async def test_a_long_branch_continues_as_new_and_loses_nothing(start: Start) -> None:
    world = World(rounds=[[strategy("long")]], trials={"long": [failed("x = 2")]})
    run = await start(world, reaper=False, budget=Budget(attempts_per_branch=12))
    await run.result()
    branch = (await run.genealogy()).branches[0]
    assert [attempt.number for attempt in branch.attempts] == list(range(1, 13))
    assert branch.attempts[-1].score.nearest == 11
    chain = [w async for w in run.client.list_workflows(f"WorkflowId = '{branch.id}'")]
    assert len(chain) > 1
    assert world.calls["try_candidates"] == 12
    assert len(world.requested("plan")[-1].history) == 3


async def test_after_an_attempt_the_code_is_retrieved_again(start: Start) -> None:
    world = World(rounds=[[strategy("two")]], trials={"two": [failed("x = 2"), passed()]})
    run = await start(world)
    await run.result()
    first, again = world.requested("retrieve")
    assert (first.issue, first.asked) == (hash_content(b"It breaks", "text/plain"), ())
    assert (again.issue, again.asked) == (first.issue, ("Parser.read",))
    assert again.repository_path == first.repository_path
    assert again.touched == ("a.py:10",)
    before, after = (step.work.context for step in world.requested("plan"))
    assert before == NOTHING
    assert after != NOTHING


async def test_only_what_the_last_attempts_touched_counts_for_a_retrieval(start: Start) -> None:
    different = [failed(f"value = call_{n}({n})", file=f"f{n}.py", error=f"E{n}") for n in range(6)]
    world = World(rounds=[[strategy("one")]], trials={"one": [*different, passed()]})
    run = await start(world)
    await run.result()
    assert world.requested("retrieve")[-1].touched == ("f5.py:10", "f4.py:10", "f3.py:10", "f2.py:10")


async def test_a_verified_fix_is_remembered(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    run = await start(world)
    await run.result()
    (request,) = world.requested("remember_fix")
    assert (request.issue, request.places) == (hash_content(b"It breaks", "text/plain"), ("a.py:10",))


async def test_what_a_plan_asks_to_see_is_run_first_and_stays_on_record(start: Start) -> None:
    world = World(
        rounds=[[strategy("curious"), strategy("silent")]],
        trials={"curious": [failed("x = 2"), failed("y = call(3)", "t1", error="KeyError", file="b.py")]},
        looks={"curious": ["read_file a.py", "!rm a.py"]},
    )
    run = await start(world, reaper=False, budget=Budget(attempts_per_branch=2))
    await run.result()
    genealogy = await run.genealogy()
    first, second = genealogy.branches[0].attempts
    assert [(command.command, command.refused) for command in first.facts.commands] == [
        ("read_file a.py", ""),
        ("!rm a.py", "guard:any: No."),
    ]
    assert first.score.terms.command_repetition == 0.0
    assert second.score.terms.command_repetition == pytest.approx(2 / 3)
    assert len(genealogy.investigations) == 4
    assert world.calls["investigate"] == 2, "a plan that asks for nothing costs no activity"
    curious = [step for step in world.requested("implement") if step.strategy.title == "curious"]
    assert all(step.findings == hash_content(b"seen", "application/json") for step in curious)
    assert curious[1].history[0].looked == "read_file a.py; !rm a.py (refused)"
