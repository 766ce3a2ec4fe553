"""Asking the nodes about themselves: a workflow of the supervisor's has each of them answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from hydranet.contracts import (
    SUPERVISOR_QUEUE,
    SURVEY_WORKFLOW,
    NodeAnswer,
    NodeRequest,
    Survey,
    SurveyRequest,
    find_shared_queue,
)
from workers.node_queues import find_node_queue
from workers.nodes import NodeView

# Beyond what the slowest node may take.
_SECONDS = 25.0


@dataclass(frozen=True)
class Answers:
    """What came back: by node queue, and how far the clock of this machine is ahead of the server's.

    `problem` says why there is no answer at all.
    """

    by_queue: Mapping[str, NodeAnswer] = field(default_factory=dict)
    skew: timedelta | None = None
    problem: str = ""


async def survey_nodes(client: Client, view: NodeView, *, examine: bool = False, name: str = "") -> Answers:
    """Return what the nodes that are alive tell of themselves, with `examine` their checks too.

    Who gives a `name` that others have given before gets the answers that these get.
    """
    queues = {find_node_queue(worker) for worker in view.workers if worker.alive} - {""}
    request = SurveyRequest(queues=tuple(sorted(queues)), node=NodeRequest(examine=examine))
    began = datetime.now(UTC)
    try:
        handle = await client.start_workflow(
            SURVEY_WORKFLOW,
            request,
            id=f"nodes-{name or uuid.uuid4().hex}",
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_queue=SUPERVISOR_QUEUE,
            execution_timeout=timedelta(seconds=_SECONDS),
            result_type=Survey,
        )
        sent = datetime.now(UTC)
        started = (await handle.describe()).start_time
        # The server's moment lies between the two of this machine's.
        skew = began - started if started < began else max(timedelta(), started - sent) * -1
        if not view.list_alive(SUPERVISOR_QUEUE):
            await handle.terminate("Nobody is there who could ask the nodes.")
            return Answers(skew=skew, problem="no supervisor works, which would ask the nodes")
        survey: Survey = await asyncio.wait_for(handle.result(), _SECONDS)
    except WorkflowAlreadyStartedError:
        return await _read_answers(client, name)
    except (RPCError, WorkflowFailureError, TimeoutError) as error:
        return Answers(problem=f"the supervisor does not ask the nodes ({error})")
    return Answers({answer.queue: answer for answer in survey.answers}, skew)


async def _read_answers(client: Client, name: str) -> Answers:
    handle = client.get_workflow_handle(f"nodes-{name}", result_type=Survey)
    try:
        survey: Survey = await asyncio.wait_for(handle.result(), _SECONDS)
    except (RPCError, WorkflowFailureError, TimeoutError) as error:
        return Answers(problem=f"the supervisor does not ask the nodes ({error})")
    return Answers({answer.queue: answer for answer in survey.answers})


async def survey_in_turn(client: Client, view: NodeView, seconds: int) -> Answers:
    """Return what the nodes told within the last `seconds`: however many watch, the nodes are asked once."""
    return await survey_nodes(client, view, name=f"in-turn-{seconds}-{int(time.time() // seconds)}")


def does_work(queue: str) -> bool:
    """Return whether the slots of a queue tell how busy a node is: not those of questions, and of commits."""
    return not queue.startswith(f"{find_shared_queue(queue)}-node-") and not queue.endswith(("-models", "-commits"))
