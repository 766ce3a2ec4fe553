"""A long branch continues as new and goes on where it was."""

from typing import Any

from hydranet.budget import Budget

from .world import World, failed, strategy


async def test_a_long_branch_continues_as_new_and_loses_nothing(start: Any) -> None:
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
