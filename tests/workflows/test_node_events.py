"""A run has on record which nodes were lost and came back, and commands say who is missing."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import Client, WorkflowHandle

from hydra_cli.session import Session
from hydranet.budget import Budget
from hydranet.contracts import (
    FIX_WORKFLOW,
    INFERENCE_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    RunResult,
)
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import ROLES_BY_QUEUE, name_host_queue
from hydranet.node_event import NodeEvent, NodeEventKind
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.environment import REQUEST, dev_server
from tests.workflows.node import make_host, serve, spawn
from tests.workflows.world import World, passed, strategy
from workers.node_watch import NodeWatch, watch_nodes
from workers.nodes import NodeReader, NodeView, NodeWorker
from workers.sealing import KeyRing
from workers.stack import Stack

# From the moment of a loss until its user reads about it.
SECONDS = 15.0
OTHERS = (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE)

Handle = WorkflowHandle[object, RunResult]


@asynccontextmanager
async def run_without_sandbox(server: Client, budget: Budget) -> AsyncIterator[tuple[str, Handle, World]]:
    """Yield the server's address, a run and its world, whose supervisor and inference work on the host alpha."""
    address, alpha = server.service_client.config.target_host, make_host("alpha")
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    async with (
        serve(address, alpha, world, OTHERS) as client,
        watch_nodes(client, alpha.identify("supervisor")),
    ):
        request = REQUEST.model_copy(update={"budget": budget})
        handle: Handle = await server.start_workflow(
            FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
        yield address, handle, world


async def wait_for_step(handle: Handle, identity: str) -> None:
    """Wait until that worker runs the tests."""
    while True:
        for step in (await handle.describe()).raw_description.pending_activities:
            started = step.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            if step.activity_type.name == "run_tests" and started and step.last_worker_identity == identity:
                return
        await asyncio.sleep(0.1)


async def read_events(handle: Handle) -> tuple[NodeEvent, ...]:
    genealogy: Genealogy = await handle.query("genealogy", result_type=Genealogy)
    return genealogy.nodes


async def wait_for_events(handle: Handle, condition: Callable[[tuple[NodeEvent, ...]], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition(await read_events(handle)):
            await asyncio.sleep(0.2)


async def test_a_lost_node_is_named_and_on_record_and_its_absence_does_not_count(server: Client) -> None:
    session = Session(Settings(), Stack(temporal=TemporalSettings(), database=""), server, KeyRing(Path(), [bytes(32)]))
    async with run_without_sandbox(server, Budget(seconds=6)) as (address, handle, world):
        async with spawn(address, "gamma", SANDBOX_QUEUE) as node:
            await wait_for_step(handle, make_host("gamma").identify("sandbox"))
            assert await session.list_parked("fix-demo") == []
            node.kill()
            lost = time.monotonic()
        while not (parked := [text for text in await session.list_parked("fix-demo") if "polls" in text]):
            await asyncio.sleep(1)
        assert time.monotonic() - lost < SECONDS
        sentence = (
            r"no worker polls hydra-sandbox since \d\d:\d\d \(last: gamma\): start one \(`hydra worker sandbox`\)"
        )
        assert re.fullmatch(sentence, parked[0])
        await wait_for_events(handle, bool)
        assert time.monotonic() - lost < SECONDS
        # The run would end before the watch looks again.
        await handle.signal("pause")
        async with serve(address, make_host("delta"), world, [SANDBOX_QUEUE]):
            await wait_for_events(handle, lambda events: len(events) == 2)
            await handle.signal("resume")
            result = await handle.result()
            assert result.verdict is Verdict.FIXED
        events = await read_events(handle)
        signals = [
            event.workflow_execution_signaled_event_attributes.signal_name
            async for event in handle.fetch_history_events()
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        ]
    assert [(event.kind, event.queue, event.node) for event in events] == [
        (NodeEventKind.LOST, SANDBOX_QUEUE, "gamma"),
        (NodeEventKind.BACK, SANDBOX_QUEUE, "delta"),
    ]
    assert [name for name in signals if name.startswith("NODE")] == ["NODE_LOST", "NODE_BACK"]


async def test_a_run_whose_step_was_on_one_of_two_nodes_has_the_loss_on_record(server: Client) -> None:
    async with run_without_sandbox(server, Budget(seconds=600)) as (address, handle, world):
        async with spawn(address, "gamma", SANDBOX_QUEUE) as node:
            await wait_for_step(handle, make_host("gamma").identify("sandbox"))
            async with serve(address, make_host("delta"), world, [SANDBOX_QUEUE]):
                # The watch has to see both before one is lost.
                await asyncio.sleep(9)
                node.kill()
                await wait_for_events(handle, bool)
                assert (await handle.result()).verdict is Verdict.FIXED
        (event,) = await read_events(handle)
    assert (event.kind, event.node, event.others) == (NodeEventKind.LOST, "gamma", 1)


async def test_a_run_whose_step_waits_for_a_lost_host_alone_has_the_loss_on_record(server: Client) -> None:
    """The step was not taken before the host was lost, and the role has another host."""
    address, gamma = server.service_client.config.target_host, make_host("gamma")
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, host=gamma.id)
    async with serve(address, make_host("alpha"), world, (*OTHERS, SANDBOX_QUEUE)):
        handle: Handle = await server.start_workflow(
            FIX_WORKFLOW, REQUEST, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
        while not any(
            step.activity_options.task_queue.name == name_host_queue(SANDBOX_QUEUE, gamma.id)
            for step in (await handle.describe()).raw_description.pending_activities
        ):
            await asyncio.sleep(0.1)
        now = datetime.now(UTC)
        delta = make_worker("delta", now, SANDBOX_QUEUE)
        watch = NodeWatch(server, make_host("alpha").identify("supervisor"))
        for alive in (True, False):
            await watch.compare(NodeView((make_worker("gamma", now, SANDBOX_QUEUE, alive=alive), delta)))
        await wait_for_events(handle, bool)
        events = await read_events(handle)
    (event,) = (event for event in events if event.queue == SANDBOX_QUEUE)
    assert (event.kind, event.node, event.others) == (NodeEventKind.LOST, "gamma", 1)


async def test_a_command_says_that_no_supervisor_is_there_though_no_step_waits_for_it(server: Client) -> None:
    session = Session(Settings(), Stack(temporal=TemporalSettings(), database=""), server, KeyRing(Path(), [bytes(32)]))
    address = server.service_client.config.target_host
    async with spawn(address, "gamma", SANDBOX_QUEUE, SUPERVISOR_QUEUE) as node:
        await server.start_workflow(FIX_WORKFLOW, REQUEST, id="fix-demo", task_queue=SUPERVISOR_QUEUE)
        handle: Handle = server.get_workflow_handle("fix-demo", result_type=RunResult)
        await read_events(handle)
        # Before its first heartbeat a worker is known as one that polls alone.
        while any(worker.free is None for worker in (await NodeReader(server).read()).list_alive(SUPERVISOR_QUEUE)):
            await asyncio.sleep(0.2)
        assert await session.list_parked("fix-demo", unanswered=True) == []
        node.kill()
        lost = time.monotonic()
        while not any("hydra-supervisor" in text for text in await session.list_parked("fix-demo", unanswered=True)):
            await asyncio.sleep(0.5)
    assert time.monotonic() - lost < SECONDS - 3


async def test_a_server_that_was_started_anew_has_forgotten_its_workers_and_lost_none() -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(dev_server())
        address = first.service_client.config.target_host
        async with spawn(address, "gamma", SANDBOX_QUEUE) as node:
            reader = NodeReader(first)
            while not any(worker.free is not None for worker in (await reader.read()).workers):
                await asyncio.sleep(0.2)
            # So that it says nothing until the look at the new server.
            node.send_signal(signal.SIGSTOP)
            await stack.aclose()
            async with dev_server(int(address.rpartition(":")[2])) as second:
                reader.client = second
                assert ((await reader.read()).forgotten, (await reader.read()).forgotten) == (True, False)
                node.send_signal(signal.SIGCONT)
                while not (await reader.read()).list_alive(SANDBOX_QUEUE):
                    await asyncio.sleep(0.2)


async def test_the_time_without_a_supervisor_is_on_record_when_one_is_back(server: Client) -> None:
    async with run_without_sandbox(server, Budget(seconds=600)) as (_, handle, _):
        now = datetime.now(UTC) + timedelta(minutes=3)
        mine = make_worker("alpha", now)
        before = make_worker("beta", now - timedelta(minutes=2), alive=False)
        watch = NodeWatch(server, mine.identity)
        await watch.tell_return(NodeView((mine, before)), now)
        await watch.tell_return(NodeView((mine, make_worker("gamma", now))), now)
        await wait_for_events(handle, lambda events: len(events) > 1)
        events = await read_events(handle)
    told = [(event.kind, event.queue, event.node, event.at) for event in events if event.queue == SUPERVISOR_QUEUE]
    assert told == [
        (NodeEventKind.LOST, SUPERVISOR_QUEUE, "beta", before.heard),
        (NodeEventKind.BACK, SUPERVISOR_QUEUE, "alpha", now),
    ]


def make_worker(name: str, heard: datetime, queue: str = SUPERVISOR_QUEUE, *, alive: bool = True) -> NodeWorker:
    host, role = make_host(name), ROLES_BY_QUEUE[queue]
    return NodeWorker(
        key=name,
        identity=host.identify(role),
        role=role,
        host=name,
        host_id=host.id,
        queue=queue,
        heard=heard,
        alive=alive,
    )
