"""The time budget on a server: what counts, and what does not, since a part of the stack was away."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from hydranet.budget import Budget
from hydranet.contracts import FIX_WORKFLOW, INFERENCE_QUEUE, SANDBOX_QUEUE, SUPERVISOR_QUEUE, RunResult
from hydranet.errors import OutageError, TransientError
from hydranet.genealogy import Verdict
from tests.workflows.conftest import Start
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.world import World, passed, strategy


def make_world(**on: Callable[[Any], Any]) -> World:
    return World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on=on)


def fail_until(end: float, error: Exception) -> Callable[[Any], None]:
    """Return a callback that fails until the clock shows `end`."""

    def fail(_: object) -> None:
        if time.monotonic() < end:
            raise error

    return fail


@pytest.mark.parametrize("step", ["propose_strategies", "warm_up", "plan"])
async def test_a_model_that_is_away_counts(start: Start, step: str) -> None:
    world = make_world(**{step: fail_until(time.monotonic() + 600, TransientError("The model does not answer."))})
    run = await start(world, budget=Budget(seconds=4))
    result = await asyncio.wait_for(run.result(), 14)
    assert result.verdict is Verdict.EXHAUSTED
    # On a busy machine the end is noticed later.
    waited = r"The time budget is spent: \d+ of 4 seconds\. It was waiting: The model does not answer\."
    assert re.fullmatch(waited, result.reason)


@pytest.mark.parametrize("step", ["propose_strategies", "implement", "try_candidates"])
async def test_a_database_that_is_away_does_not_count(start: Start, step: str) -> None:
    away = OutageError("The database does not answer.")
    run = await start(make_world(**{step: fail_until(time.monotonic() + 8, away)}), budget=Budget(seconds=5))
    assert (await run.result()).verdict is Verdict.FIXED


@pytest.mark.parametrize("queue", [INFERENCE_QUEUE, SANDBOX_QUEUE, SUPERVISOR_QUEUE])
async def test_a_queue_without_a_worker_does_not_count(server: Client, queue: str) -> None:
    world = make_world()
    request = REQUEST.model_copy(update={"budget": Budget(seconds=3)})
    others: Sequence[str] = [other for other in QUEUES if other != queue]
    handle: WorkflowHandle[object, RunResult] = await server.start_workflow(
        FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
    )
    async with workers(server, world, others):
        await _wait_past_deadline(handle, queue)
        async with workers(server, world, [queue]):
            assert (await handle.result()).verdict is Verdict.FIXED


async def _wait_past_deadline(handle: WorkflowHandle[object, RunResult], queue: str) -> None:
    if queue == SUPERVISOR_QUEUE:
        await asyncio.sleep(4)  # Nobody is there who could take note of the time.
        return
    while True:
        events = [event async for event in handle.fetch_history_events()]
        if any(event.event_type == EventType.EVENT_TYPE_TIMER_FIRED for event in events):
            return
        await asyncio.sleep(0.1)
