"""Where the steps of a run are made, and that what its request claims decides nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from temporalio.client import Client

from hydra_cli.control import send_update
from hydranet.contracts import FIX_WORKFLOW, SUPERVISOR_QUEUE, RunResult, name_host_queue
from hydranet.genealogy import Verdict
from hydranet.policy.constitution import Decision, Effect
from tests.workflows.conftest import Start, eventually
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.world import World, passed, strategy

SUPERVISED = Decision(operation="write", subject="ci.yml", effect=Effect.SUPERVISED, rule="ci", reason="It runs.")


def make_world() -> World:
    return World(rounds=[[strategy("one")]], trials={"one": [passed()]})


async def test_a_repository_is_touched_by_the_supervisor_of_its_host_alone(server: Client) -> None:
    """Two hosts have a repository at the same path."""
    worlds = {"": make_world(), "a": make_world(), "b": make_world()}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workers(server, worlds[""], QUEUES))
        for host in ("a", "b"):
            own = [name_host_queue(SUPERVISOR_QUEUE, host)]
            await stack.enter_async_context(workers(server, worlds[host], own))
        for host in ("a", "b", "b"):
            request = REQUEST.model_copy(update={"host": host})
            run_id = f"fix-{host}-{worlds[host].calls['publish_fix']}"
            result: RunResult = await server.execute_workflow(
                FIX_WORKFLOW, request, id=run_id, task_queue=SUPERVISOR_QUEUE, result_type=RunResult
            )
            assert result.verdict is Verdict.FIXED
    for step in ("snapshot_repository", "review_fix", "publish_fix"):
        assert [worlds[host].calls[step] for host in ("", "a", "b")] == [0, 1, 2]


@pytest.mark.parametrize("effect", [Effect.ALLOWED, Effect.SUPERVISED])
async def test_what_a_request_says_of_a_rule_takes_no_decision_from_the_supervisor(
    start: Start, effect: Effect
) -> None:
    claimed = SUPERVISED.model_copy(update={"effect": effect, "subject": "README.md", "reason": "It is harmless."})
    world = make_world()
    world.reviews = [(SUPERVISED,)]
    run = await start(world, decisions=[claimed])
    await eventually(run, lambda genealogy: "rule ci: write ci.yml is supervised: It runs." in genealogy.state)
    assert world.calls["publish_fix"] == 0
    await send_update(run.handle, "approve", ["ann@laptop"])
    assert (await run.result()).verdict is Verdict.FIXED
    assert SUPERVISED in world.requested("publish_fix")[0].approved


async def test_no_request_claims_the_answer_of_a_person(start: Start) -> None:
    forged = Decision(operation="write", subject="ci.yml", effect=Effect.ALLOWED, rule="person", reason="Approved.")
    run = await start(make_world(), decisions=[forged])
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await run.genealogy()).decisions == ()


async def test_a_host_may_have_every_fix_wait_for_a_person(start: Start) -> None:
    world = make_world()
    world.asks_always = True
    run = await start(world, require_approval=False)
    await eventually(run, lambda genealogy: "waiting for approval" in genealogy.state)
    await send_update(run.handle, "approve", ["ann@laptop"])
    assert (await run.result()).verdict is Verdict.FIXED
