"""Nodes that serve the models of one purpose each: a run takes each step where its model is."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from hydra_cli.session import Session
from hydranet.contracts import (
    FIX_WORKFLOW,
    INFERENCE_QUEUE,
    RANKING_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    RunResult,
)
from hydranet.genealogy import Verdict
from hydranet.node_event import NodeEventKind
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.conftest import Start, eventually
from tests.workflows.environment import REQUEST
from tests.workflows.node import make_host, serve
from tests.workflows.test_node_events import SECONDS, Handle, read_events, wait_for_events
from tests.workflows.world import World, passed, strategy
from workers.node_watch import NodeWatch, watch_nodes
from workers.nodes import NodeView, NodeWorker
from workers.payloads import data_converter
from workers.roles import WORKFLOWS, build_workflow_runner
from workers.sealing import KeyRing
from workers.stack import Stack


def make_world() -> World:
    return World(rounds=[[strategy("one"), strategy("two")]], trials={"two": [passed()]})


async def test_the_supervisor_model_is_called_on_one_node_and_the_coder_on_another(server: Client) -> None:
    """Alpha ranks and beta repairs; the run waits for alpha, and says for whom."""
    address, alpha, beta = server.service_client.config.target_host, make_world(), make_world()
    session = Session(Settings(), Stack(temporal=TemporalSettings(), database=""), server, KeyRing(Path(), [bytes(32)]))
    request = REQUEST.model_copy(update={"supervisor_model": "big"})
    async with AsyncExitStack() as stack:
        host = make_host("alpha")
        client = await stack.enter_async_context(serve(address, host, alpha, [SUPERVISOR_QUEUE, SANDBOX_QUEUE]))
        alpha.recorded = beta.recorded
        await stack.enter_async_context(watch_nodes(client, host.identify("supervisor")))
        await stack.enter_async_context(serve(address, make_host("beta"), beta, [RETRIEVAL_QUEUE, INFERENCE_QUEUE]))
        handle: Handle = await server.start_workflow(
            FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
        began = time.monotonic()
        while not (parked := await session.list_parked("fix-demo")):
            await asyncio.sleep(0.5)
        assert time.monotonic() - began < SECONDS
        assert parked == [
            "no worker polls hydra-inference-ranking: start one (`hydra worker inference` with ranking in "
            "`models.purposes`)"
        ]
        # A node that never was is none that was lost.
        assert await read_events(handle) == ()
        await stack.enter_async_context(serve(address, host, alpha, [RANKING_QUEUE]))
        assert (await handle.result()).verdict is Verdict.FIXED
    assert (alpha.calls["rank_strategies"], beta.calls["rank_strategies"]) == (1, 0)
    assert (alpha.calls["propose_strategies"], beta.calls["propose_strategies"]) == (0, 1)
    assert (alpha.calls["implement"], alpha.calls["retrieve"]) == (0, 0)
    assert beta.calls["implement"] == beta.calls["retrieve"] == 1


async def test_a_run_that_ranked_on_the_shared_queue_before_an_update_goes_on_after_it(
    server: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.policies.RANKING_QUEUE", INFERENCE_QUEUE)
    world = make_world()
    request = REQUEST.model_copy(update={"supervisor_model": "big"})
    async with AsyncExitStack() as stack:
        for queue in (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE, SANDBOX_QUEUE):
            worker = Worker(
                server,
                task_queue=queue,
                activities=world.activities(),
                workflows=WORKFLOWS if queue == SUPERVISOR_QUEUE else [],
                # The sandbox would import the module again, without the change.
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            await stack.enter_async_context(worker)
        handle: Handle = await server.start_workflow(
            FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
        assert (await handle.result()).verdict is Verdict.FIXED
    assert world.calls["rank_strategies"] == 1
    monkeypatch.undo()
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=build_workflow_runner(), data_converter=data_converter)
    await replayer.replay_workflow(await handle.fetch_history())


@pytest.mark.parametrize(("supervisor_model", "told"), [("big", 1), ("", 0)])
async def test_the_loss_of_a_purpose_is_told_to_the_runs_that_need_it(
    start: Start, supervisor_model: str, told: int
) -> None:
    run = await start(make_world(), supervisor_model=supervisor_model, require_approval=True)
    await eventually(run, lambda genealogy: "waiting for approval" in genealogy.state)
    watch = NodeWatch(run.client, "supervisor@alpha#0")
    here = [make_worker("beta", queue) for queue in (INFERENCE_QUEUE, RETRIEVAL_QUEUE, SANDBOX_QUEUE)]
    ranking = make_worker("alpha", RANKING_QUEUE)
    await watch.compare(NodeView((*here, ranking)))
    await watch.compare(NodeView((*here, make_worker("alpha", RANKING_QUEUE, alive=False))))
    if told:
        await wait_for_events(run.handle, bool)
    await watch.compare(NodeView((*here, ranking)))
    await wait_for_events(run.handle, lambda events: len(events) == 2 * told)
    assert [(event.kind, event.queue, event.node) for event in await read_events(run.handle)] == [
        (NodeEventKind.LOST, RANKING_QUEUE, "alpha"),
        (NodeEventKind.BACK, RANKING_QUEUE, "alpha"),
    ][: 2 * told]


async def test_the_loss_of_a_node_that_did_everything_is_told_once(start: Start) -> None:
    run = await start(make_world(), supervisor_model="big", require_approval=True)
    await eventually(run, lambda genealogy: "waiting for approval" in genealogy.state)
    watch = NodeWatch(run.client, "supervisor@alpha#0")
    sandbox = make_worker("gamma", SANDBOX_QUEUE)
    for alive in (True, False, True):
        queues = (INFERENCE_QUEUE, RANKING_QUEUE, RETRIEVAL_QUEUE)
        await watch.compare(NodeView((sandbox, *(make_worker("beta", queue, alive=alive) for queue in queues))))
    await wait_for_events(run.handle, lambda events: len(events) == 2)
    assert {event.queue for event in await read_events(run.handle)} == {INFERENCE_QUEUE}


def make_worker(name: str, queue: str, *, alive: bool = True) -> NodeWorker:
    host = make_host(name)
    return NodeWorker(
        key=f"{name} {queue}",
        identity=host.identify("inference"),
        role="inference",
        host=name,
        host_id=host.id,
        queue=queue,
        heard=datetime.now(UTC),
        alive=alive,
    )
