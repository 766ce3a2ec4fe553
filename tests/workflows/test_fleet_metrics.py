"""What a supervisor tells Prometheus of nodes, queues and runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from temporalio.client import Client

from hydranet.budget import Budget, Usage
from hydranet.contracts import (
    FIX_WORKFLOW,
    INFERENCE_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    RunResult,
)
from hydranet.errors import TransientError
from hydranet.genealogy import Genealogy
from tests.workflows.environment import REQUEST
from tests.workflows.node import make_host, serve, spawn
from tests.workflows.world import World, passed, strategy
from workers.fleet_metrics import FleetMetrics
from workers.run_watch import RunWatch, measure_spent

# A loss is to be in the alert within 15 seconds, of which the scrape takes five.
SECONDS = 10.0
OTHERS = (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE)


async def test_what_is_lost_parked_and_asked_is_told(server: Client) -> None:
    address, alpha = server.service_client.config.target_host, make_host("alpha")
    outage = [True]

    def fail(_: object) -> None:
        if outage:
            raise TransientError("the model server does not answer", retry_after=0.2)

    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"propose_strategies": fail})
    recorded: list[tuple[datetime, Genealogy]] = []

    async def record(started: datetime, genealogy: Genealogy) -> None:
        recorded.append((started, genealogy))

    registry, wanted = CollectorRegistry(), asyncio.Event()

    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    async def wait_until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.1)

    async with serve(address, alpha, world, OTHERS) as client:
        metrics = FleetMetrics(client, RunWatch(client, record))
        registry.register(metrics)
        async with metrics.watch(wanted):
            assert read("hydra_temporal_answers") is None  # Nothing is looked at before somebody asks.
            wanted.set()
            async with spawn(address, "gamma", SANDBOX_QUEUE) as node:
                await wait_until(lambda: read("hydra_node_up", host="gamma", role="sandbox") == 1)
                assert read("hydra_queue_workers", task_queue=SANDBOX_QUEUE) == 1
                node.kill()
                killed = time.monotonic()
            await wait_until(lambda: read("hydra_node_up", host="gamma", role="sandbox") == 0)
            assert time.monotonic() - killed < SECONDS
            assert read("hydra_queue_workers", task_queue=SANDBOX_QUEUE) == 0
            request = REQUEST.model_copy(update={"require_approval": True, "budget": Budget(attempts=1)})
            handle = await server.start_workflow(
                FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
            )
            await wait_until(lambda: read("hydra_queue_depth", task_queue=SANDBOX_QUEUE))
            await wait_until(lambda: read("hydra_open_runs", phase="working") == 1)
            async with serve(address, make_host("delta"), world, [SANDBOX_QUEUE]):
                await wait_until(lambda: read("hydra_open_runs", phase="parked") == 1)
                await wait_until(lambda: read("hydra_node_up", host="delta", role="sandbox") == 1)
                assert read("hydra_node_up", host="gamma", role="sandbox") == 0
                outage.clear()
                await wait_until(lambda: read("hydra_open_runs", phase="waiting for a person") == 1)
                assert read("hydra_open_runs", phase="parked") == 0
                assert read("hydra_runs_near_budget") == 1
                await handle.execute_update("approve", "ann")
                await handle.result()
            await wait_until(lambda: read("hydra_open_runs", phase="waiting for a person") == 0)
            # A node that ends in good order is not lost.
            await wait_until(lambda: read("hydra_node_up", host="delta", role="sandbox") is None)
    assert recorded[-1][1].attempts == 1
    assert recorded[0][0].tzinfo is not None


def test_what_is_spent_is_the_largest_share_of_the_budget() -> None:
    run = Genealogy(run_id="r", repository_name="demo", title="t", budget=Budget(tokens=1000, attempts=0))
    assert measure_spent(run) == 0
    assert measure_spent(run.model_copy(update={"usage": Usage(prompt_tokens=800, output_tokens=100)})) == 0.9
    assert measure_spent(run.model_copy(update={"budget": Budget(tokens=0)})) == 0
