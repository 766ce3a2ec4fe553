"""Questions of a command about models: asked on the host that calls them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities.inference.inquiry import ask_model, list_configured
from hydra_cli.session import Session
from hydranet.contracts import MODELS_WORKFLOW, SUPERVISOR_QUEUE, ModelsAnswer, ModelsRequest, name_models_queue

# A server that a worker keeps has three minutes to start. A model that is to be measured loads first, and has as long
# for its answer as in a run.
_PROBE_TIMEOUT, _MEASURE_TIMEOUT = timedelta(minutes=4), timedelta(minutes=30)
_TOLD_SECONDS, _LOOK_SECONDS = 4.0, 0.5
# A question that no worker takes ends after ten seconds, unless no supervisor takes it either.
_TAKEN_SECONDS = 11.0


async def ask_models(session: Session, request: ModelsRequest, tell: Callable[[str], None]) -> ModelsAnswer | None:
    """Return what models answer where those of the purpose are called, None where nobody takes the question.

    That is this host, where its worker may be asked, else the first of the others. Long waiting is told.
    """
    chosen = session.settings
    # A server that our worker keeps may be about to start: the worker knows.
    if not chosen.models.keep and await session.works_here(name_models_queue(request.purpose)):
        asked = request.models or list_configured(chosen, request.purpose)
        answers = [await ask_model(each, chosen.models, measured=request.measured) for each in asked]
        return ModelsAnswer(models=tuple(answers))
    handle = await session.client.start_workflow(
        MODELS_WORKFLOW,
        request,
        id=f"models-{uuid.uuid4().hex}",
        task_queue=SUPERVISOR_QUEUE,
        result_type=ModelsAnswer,
        execution_timeout=_MEASURE_TIMEOUT if request.measured else _PROBE_TIMEOUT,
    )
    asking: asyncio.Task[ModelsAnswer] = asyncio.create_task(handle.result())
    try:
        await asyncio.wait([asking], timeout=_TOLD_SECONDS)
        deadline = time.monotonic() + _TAKEN_SECONDS
        while not (asking.done() or await _is_answering(handle)):
            if time.monotonic() > deadline:
                return None
            await asyncio.wait([asking], timeout=_LOOK_SECONDS)
        if not asking.done():
            tell("Waiting  The inference worker answers once its model server does, which it may be starting.")
        return await asking
    except WorkflowFailureError:
        return None
    finally:
        asking.cancel()


async def serves_models(session: Session, purpose: str) -> bool:
    """Return whether a worker may be asked about the models of a purpose."""
    return await session.has_poller(name_models_queue(purpose))


async def _is_answering(handle: WorkflowHandle[Any, Any]) -> bool:
    steps = (await handle.describe()).raw_description.pending_activities
    return any(step.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED for step in steps)
