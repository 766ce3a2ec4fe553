"""A node of another version takes no work, and the run that offered it goes on with a node of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from hydranet.bounded_models import BoundedModel
from hydranet.contracts import RunResult
from hydranet.errors import OUTAGE
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import FIX_WORKFLOW, SANDBOX_QUEUE, SUPERVISOR_QUEUE
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.world import World, passed, strategy
from workers.versions import VersionGuard, build_activity_client

OTHERS = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]


class OlderRequest(BoundedModel):
    """What an older node knows of a request."""

    unknown_since: str = ""


def node(server: Client, version: str, stack: str = "") -> tuple[Client, VersionGuard]:
    guard = VersionGuard(version)
    guard.stack = stack
    return Client(server.service_client, data_converter=server.data_converter, interceptors=[guard]), guard


@asynccontextmanager
async def other_node(client: Client, tries: list[object]) -> AsyncIterator[None]:
    """Run a sandbox node that knows its activities by other fields."""

    def define(name: str) -> Callable[..., Any]:
        async def take(request: OlderRequest) -> None:
            tries.append(request)

        return activity.defn(name=name)(take)

    names = ("prepare_environment", "run_tests", "measure_coverage", "try_candidates", "commit_checkpoint")
    calls = [define(name) for name in names]
    async with Worker(build_activity_client(client), task_queue=SANDBOX_QUEUE, activities=calls):
        yield


async def start(client: Client) -> WorkflowHandle[Any, RunResult]:
    run_id = f"fix-demo-{uuid.uuid4().hex[:8]}"
    return await client.start_workflow(
        FIX_WORKFLOW, REQUEST, id=run_id, task_queue=SUPERVISOR_QUEUE, result_type=RunResult
    )


async def pending(run: WorkflowHandle[Any, RunResult]) -> Sequence[PendingActivityInfo]:
    return (await run.describe()).raw_description.pending_activities


@pytest.mark.parametrize(("nodes", "side"), [("1", "older"), ("3", "newer")])
async def test_a_node_of_another_version_parks_the_run_and_counts_no_attempt(
    server: Client, nodes: str, side: str
) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    stack, _ = node(server, "2")
    other, guard = node(server, nodes)
    right, _ = node(server, "2", "2")
    tries: list[object] = []
    async with workers(stack, world, OTHERS):
        async with other_node(other, tries):
            run = await start(stack)
            await guard.refused.wait()
        assert f"has a{'n' if side == 'older' else ''} {side} version of HydraNet than the stack" in guard.reason
        while not (failures := [step.last_failure for step in await pending(run) if step.attempt > 1]):
            await asyncio.sleep(0.05)
        assert [failure.application_failure_info.type for failure in failures] == [OUTAGE]
        assert failures[0].message == guard.reason
        async with workers(right, world, [SANDBOX_QUEUE]):
            assert (await run.result()).verdict is Verdict.FIXED
        genealogy: Genealogy = await run.query("genealogy", result_type=Genealogy)
    assert tries == []
    assert [len(branch.attempts) for branch in genealogy.branches] == [1]


async def test_a_run_of_the_older_version_ends_after_the_update(server: Client) -> None:
    """What was scheduled before the update waits in its queue with the older mark."""
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    old, _ = node(server, "1")
    new, guard = node(server, "2", "2")
    async with workers(old, world, OTHERS):
        run = await start(old)
        while not any(step.activity_type.name == "prepare_environment" for step in await pending(run)):
            await asyncio.sleep(0.05)
    async with workers(new, world, QUEUES):
        assert (await run.result()).verdict is Verdict.FIXED
    assert not guard.refused.is_set()
