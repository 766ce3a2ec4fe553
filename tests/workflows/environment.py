"""A dev server of its own for a test, and workers on a fake world."""

from __future__ import annotations

import sysconfig
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from hydranet.contracts import (
    INFERENCE_QUEUE,
    RANKING_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    FixRequest,
)
from tests.workflows.world import World
from workers.namespace import NamespaceSetup, load_definition
from workers.payloads import data_converter
from workers.roles import WORKFLOWS, build_workflow_runner

QUEUES = (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RANKING_QUEUE, RETRIEVAL_QUEUE, SANDBOX_QUEUE)
REQUEST = FixRequest(
    repository_path="/repository",
    repository_name="demo",
    title="It breaks",
    issue="It breaks",
    model="fake",
    templates_first=False,
    allocation="order",
)


@asynccontextmanager
async def dev_server(port: int | None = None) -> AsyncIterator[Client]:
    """Start a server, on which long workflows are told early to continue as new, and yield a client of it."""
    async with await WorkflowEnvironment.start_local(
        # Histories that are recorded here name no process and no host.
        identity="tests",
        port=port,
        dev_server_existing_path=str(Path(sysconfig.get_path("scripts")) / "temporal"),
        data_converter=data_converter,
        dev_server_extra_args=["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=120"],
    ) as environment:
        async for _ in NamespaceSetup(environment.client, load_definition()).apply():
            pass
        yield environment.client


@asynccontextmanager
async def workers(client: Client, world: World, queues: Sequence[str] = QUEUES) -> AsyncIterator[None]:
    """Run a worker per task queue."""
    async with AsyncExitStack() as stack:
        for queue in queues:
            worker = Worker(
                client,
                task_queue=queue,
                activities=world.activities(),
                workflows=WORKFLOWS if queue == SUPERVISOR_QUEUE else [],
                workflow_runner=build_workflow_runner(),
                max_heartbeat_throttle_interval=timedelta(seconds=1),
                default_heartbeat_throttle_interval=timedelta(seconds=1),
            )
            await stack.enter_async_context(worker)
        yield
