"""The real dev server and the real workflows, on a fresh server per test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from hydranet.contracts import FIX_WORKFLOW, SUPERVISOR_QUEUE, FixRequest, RunResult
from hydranet.genealogy import Genealogy
from tests.workflows.environment import REQUEST, dev_server, workers
from tests.workflows.world import World


@dataclass
class Run:
    """A run on the fake world."""

    client: Client
    world: World
    handle: WorkflowHandle[Any, RunResult]

    async def genealogy(self) -> Genealogy:
        genealogy: Genealogy = await self.handle.query("genealogy", result_type=Genealogy)
        return genealogy

    async def result(self) -> RunResult:
        return await self.handle.result()


Start = Callable[..., Awaitable[Run]]


async def eventually(run: Run, condition: Callable[[Genealogy], object]) -> None:
    """Wait until the run's genealogy fulfils a condition."""
    while not condition(await run.genealogy()):
        await asyncio.sleep(0.05)


@pytest.fixture
async def server() -> AsyncIterator[Client]:
    async with dev_server() as client:
        yield client


@pytest.fixture
async def start(server: Client) -> AsyncIterator[Start]:
    """Start a run on a world: `await start(world, parallel_branches=2)`."""
    async with AsyncExitStack() as stack:

        async def started(world: World, **changes: Any) -> Run:
            await stack.enter_async_context(workers(server, world))
            request = FixRequest.model_validate({**REQUEST.model_dump(), **changes})
            handle = await server.start_workflow(
                FIX_WORKFLOW,
                request,
                id=f"fix-demo-{uuid.uuid4().hex[:8]}",
                task_queue=SUPERVISOR_QUEUE,
                result_type=RunResult,
            )
            return Run(server, world, handle)

        yield started
