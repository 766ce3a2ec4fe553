"""The supervisor's watch over nodes: open runs are told when nobody polls a queue any more, and who polls it again.

One supervisor tells, the first by name. A run whose step a lost worker had is told too where others still poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client
from temporalio.service import RPCError

from activities.background import run_beside
from hydranet.names import (
    BESIDE_INFERENCE,
    INFERENCE_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    name_commit_queue,
    name_host_queue,
)
from hydranet.node_event import NodeEvent, NodeEventKind
from workers.nodes import BEAT, SILENT_SECONDS, NodeReader, NodeView, NodeWorker
from workers.outages import CALL, OPEN_RUNS

_WATCHED = (SANDBOX_QUEUE, INFERENCE_QUEUE)
# After an outage of the server, or a start that nobody noticed: so long do workers take to be heard of again.
_SETTLE_SECONDS = 2 * SILENT_SECONDS
# Runs that begin while a queue has nobody are told within this many looks.
_LATECOMERS = 3
_logger = logging.getLogger(__name__)

Hear = Callable[[NodeView], Awaitable[None]]


@contextlib.asynccontextmanager
async def watch_nodes(client: Client, identity: str, hear: Hear | None = None) -> AsyncIterator[None]:
    """Tell the open runs, until the block is left, which nodes are lost and back; `identity` is this supervisor's.

    `hear` gets each view of the nodes that can be relied on.
    """
    async with run_beside(_keep_watching(client, identity, hear)):
        yield


@dataclass
class _Loss:
    """A loss that goes on, and the runs that were told of it."""

    event: NodeEvent
    runs: set[str] = field(default_factory=set)


async def _keep_watching(client: Client, identity: str, hear: Hear | None) -> None:
    began, reader = datetime.now(UTC), NodeReader(client)
    watch = NodeWatch(client, identity)
    settled, introduced = time.monotonic() + SILENT_SECONDS, False
    while True:
        try:
            view = await reader.read()
            if view.forgotten:
                settled = time.monotonic() + _SETTLE_SECONDS
            if time.monotonic() > settled:
                if not introduced:
                    introduced = True
                    await watch.tell_return(view, began)
                await watch.compare(view)
                if hear is not None:
                    await hear(view)
        except RPCError:
            # Nobody was heard while the server was away.
            reader, settled = NodeReader(client), time.monotonic() + _SETTLE_SECONDS
        except Exception:
            _logger.exception("Who polls the task queues is not known for now.")
        await asyncio.sleep(BEAT.total_seconds())


class NodeWatch:
    """What changed between two looks at the workers, told to the runs that it concerns."""

    def __init__(self, client: Client, identity: str) -> None:
        self._client = client
        self._identity = identity
        self._empty: dict[str, _Loss] = {}
        self._partial: dict[str, _Loss] = {}
        self._alive: dict[str, set[str]] = {}
        self._looks = 0

    async def compare(self, view: NodeView) -> None:
        """Tell what has changed since the last look. Raises RPCError where the server does not answer."""
        self._looks += 1
        tells = self._is_first(view)
        for queue in _WATCHED:
            alive = view.list_alive(queue)
            lost = self._take_lost(queue, alive, view)
            await self._compare_queue(queue, view)
            if tells and alive:
                await self._tell_partial(queue, lost, alive)
        for queue in BESIDE_INFERENCE:
            # Where nobody polls the inference queue either, its loss tells enough.
            if queue in self._empty or (view.find_last(queue) and view.list_alive(INFERENCE_QUEUE)):
                await self._compare_queue(queue, view)
        if tells:
            await self._tell_empty()

    async def _compare_queue(self, queue: str, view: NodeView) -> None:
        alive = view.list_alive(queue)
        if not alive and queue not in self._empty:
            self._empty[queue] = _Loss(_describe_loss(queue, view.find_last(queue)))
        elif alive and (loss := self._empty.pop(queue, None)):
            await self._tell(loss.runs, _describe_return(queue, alive[0]))

    async def tell_return(self, view: NodeView, began: datetime) -> None:
        """Tell the open runs how long no supervisor was there, where the server knows of one that was lost."""
        supervisors = [worker for worker in view.workers if worker.queue == SUPERVISOR_QUEUE]
        others = [worker for worker in supervisors if worker.identity != self._identity and worker.alive]
        lost = [worker for worker in supervisors if not worker.alive and worker.heard < began]
        last = max(lost, key=lambda worker: worker.heard, default=None)
        if others or last is None or began - last.heard < timedelta(seconds=SILENT_SECONDS):
            return
        mine = next((worker for worker in supervisors if worker.alive), last)
        back = _describe_return(SUPERVISOR_QUEUE, mine).model_copy(update={"at": began})
        runs = {run.id async for run in self._client.list_workflows(OPEN_RUNS) if run.start_time < began}
        await self._tell(runs, _describe_loss(SUPERVISOR_QUEUE, last))
        await self._tell(runs, back)

    def _is_first(self, view: NodeView) -> bool:
        """Return whether this is the supervisor that tells: the first by name of those that are there."""
        alive = {worker.identity for worker in view.list_alive(SUPERVISOR_QUEUE)}
        return self._identity == min(alive | {self._identity})

    def _take_lost(self, queue: str, alive: list[NodeWorker], view: NodeView) -> list[NodeWorker]:
        """Return the workers that polled the queue at the last look, and are gone without a word."""
        before, self._alive[queue] = self._alive.get(queue, set()), {worker.identity for worker in alive}
        gone = before - self._alive[queue]
        lost = {worker.identity: worker for worker in view.workers if worker.queue == queue and not worker.ended}
        return [worker for identity, worker in lost.items() if identity in gone]

    async def _tell_partial(self, queue: str, lost: list[NodeWorker], alive: list[NodeWorker]) -> None:
        """Tell the runs whose step a lost worker had, and later the same ones that it is back."""
        for worker in lost:
            loss = _Loss(_describe_loss(queue, worker, len({other.host for other in alive})))
            async for run in self._client.list_workflows(OPEN_RUNS):
                if await self._has_step(run.id, worker):
                    loss.runs.add(run.id)
            await self._tell(loss.runs, loss.event)
            self._partial[worker.identity] = loss
        for worker in alive:
            if (back := self._partial.pop(worker.identity, None)) is not None:
                await self._tell(back.runs, _describe_return(queue, worker))

    async def _tell_empty(self) -> None:
        losses = list(self._empty.values())
        if not losses or (all(loss.runs for loss in losses) and self._looks % _LATECOMERS):
            return
        async for run in self._client.list_workflows(OPEN_RUNS):
            for loss in losses:
                if run.id not in loss.runs:
                    await self._tell({run.id}, loss.event)
                    loss.runs.add(run.id)

    async def _has_step(self, run_id: str, worker: NodeWorker) -> bool:
        """Return whether the worker had a step of the run or of one of its branches, or such a step waits for it."""
        described = (await self._client.get_workflow_handle(run_id).describe(rpc_timeout=CALL)).raw_description
        steps = list(described.pending_activities)
        for child in described.pending_children:
            with contextlib.suppress(RPCError):
                handle = self._client.get_workflow_handle(child.workflow_id)
                steps += (await handle.describe(rpc_timeout=CALL)).raw_description.pending_activities
        own = name_host_queue(worker.queue, worker.host_id)
        return any(worker.identity == step.last_worker_identity or _goes_to(step, own) for step in steps)

    async def _tell(self, runs: set[str], event: NodeEvent) -> None:
        for run_id in sorted(runs):
            with contextlib.suppress(RPCError):  # It may have ended meanwhile.
                await self._client.get_workflow_handle(run_id).signal(event.kind.value, event, rpc_timeout=CALL)


def _goes_to(step: PendingActivityInfo, queue: str) -> bool:
    """Return whether a step waits in a host's queue, or in its queue for commits."""
    return step.activity_options.task_queue.name in (queue, name_commit_queue(queue))


def _describe_loss(queue: str, worker: NodeWorker | None, others: int = 0) -> NodeEvent:
    at = worker.heard if worker else datetime.now(UTC)
    node = worker.host if worker else ""
    return NodeEvent(kind=NodeEventKind.LOST, queue=queue, node=node[:200], others=others, at=at)


def _describe_return(queue: str, worker: NodeWorker) -> NodeEvent:
    return NodeEvent(kind=NodeEventKind.BACK, queue=queue, node=worker.host[:200], at=datetime.now(UTC))
