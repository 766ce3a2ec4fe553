"""A reaped branch that is let run on goes on where it was, and tells what it came to."""

import uuid

import pytest
from temporalio.client import Client

from hydranet.budget import Budget
from hydranet.contracts import COUNTERFACTUAL_WORKFLOW, FIX_WORKFLOW, SUPERVISOR_QUEUE, BranchRequest, Counterfactual
from hydranet.genealogy import Ending
from tests.workflows.conftest import Run, Start
from tests.workflows.environment import REQUEST, workers
from tests.workflows.world import World, failed, passed, strategy

CIRCLE = [failed("x = 2"), failed("x = 2")]


async def resumed(run: Run) -> Counterfactual:
    branch = (await run.genealogy()).branches[0]
    assert branch.ending is Ending.REAPED
    assert len(branch.attempts) == 2
    carried = await run.client.get_workflow_handle(branch.id).query("carried", result_type=BranchRequest)
    counterfactual: Counterfactual = await run.client.execute_workflow(
        COUNTERFACTUAL_WORKFLOW,
        carried,
        id=f"{branch.id}-resumed",
        task_queue=SUPERVISOR_QUEUE,
        result_type=Counterfactual,
    )
    return counterfactual


@pytest.mark.parametrize("allocation", ["value", "order"])
async def test_a_branch_that_would_have_passed_was_killed_falsely(start: Start, allocation: str) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [*CIRCLE, failed("y = 1"), passed()]}, tokens=10)
    run = await start(world, allocation=allocation)
    await run.result()
    before = world.calls["try_candidates"]
    assert await resumed(run) == Counterfactual(ending=Ending.PASSED, attempts=2, tokens=60)
    assert world.calls["try_candidates"] == before + 2
    last = world.requested("reflect")[-2]
    assert (last.attempt, last.history[-1].number) == (2, 2)
    assert [request.attempt for request in world.requested("plan")[-2:]] == [3, 4]


@pytest.mark.parametrize(("budget", "attempts"), [({"attempts_per_branch": 5}, 3), ({"tokens": 90}, 1)])
async def test_a_branch_that_circles_on_spends_its_budget(start: Start, budget: dict[str, int], attempts: int) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": CIRCLE}, tokens=10)
    run = await start(world, budget=Budget(**budget))
    await run.result()
    assert await resumed(run) == Counterfactual(ending=Ending.SPENT, attempts=attempts, tokens=30 * attempts)


async def test_runs_with_the_same_seed_ask_the_same(server: Client) -> None:
    seeds = []
    for seed in ("s", "s", "other"):
        world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": CIRCLE, "two": [passed()]})
        async with workers(server, world):
            request = REQUEST.model_copy(update={"seed": seed})
            await server.execute_workflow(FIX_WORKFLOW, request, id=uuid.uuid4().hex, task_queue=SUPERVISOR_QUEUE)
        names = ("propose_strategies", "plan", "implement", "reflect")
        seeds.append([request.seed for name in names for request in world.requested(name)])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) > 3
    assert not set(seeds[0]) & set(seeds[2])
