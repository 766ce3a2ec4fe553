"""The workers of all nodes, as Temporal's server knows them: who polls which task queue, and who does no more.

Workers send the server heartbeats by themselves. A server that keeps none tells who polled in the last minutes.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType, WorkerStatus
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from hydranet.names import QUEUES_BY_PURPOSE, ROLES_BY_QUEUE, SUPERVISOR_QUEUE, find_shared_queue
from hydranet.node_event import describe_missing
from hydranet.text.formatting import format_moment

BEAT = timedelta(seconds=2)
"""How often workers say that they are there: commands are to tell a loss within fifteen seconds."""

SILENT_SECONDS = 8.0
"""A worker that has said nothing for so long is lost: four of its heartbeats are missing."""

# A worker asks for work for a minute at a time, which is all that a server without heartbeats knows.
_POLL_SECONDS = 75.0

_CALL = timedelta(seconds=5)
_PAGE = 1000
_IDENTITY = re.compile(r"[a-z]+@(?P<host>[^#\s]+)#(?P<id>[0-9a-f]+)")


@dataclass(frozen=True)
class NodeWorker:
    """A worker on a task queue: of which host, of which build, its slots, and when it was last heard of.

    `host_id` is empty where its identity is not one of ours; `build` and slots where the server keeps no heartbeats.
    """

    key: str
    identity: str
    role: str
    host: str
    host_id: str
    queue: str
    heard: datetime
    started: datetime | None = None
    build: str = ""
    used: int = 0
    free: int | None = None
    alive: bool = True
    ended: bool = False
    silent_seconds: float = SILENT_SECONDS


@dataclass(frozen=True)
class NodeView:
    """The workers at one moment; `beats` says whether the server keeps their heartbeats.

    `forgotten` says that the server has forgotten workers that were there at the last look: it was started anew.
    """

    workers: tuple[NodeWorker, ...] = ()
    beats: bool = True
    forgotten: bool = False

    def list_alive(self, queue: str) -> list[NodeWorker]:
        """Return the workers that poll a task queue."""
        return [worker for worker in self.workers if worker.alive and worker.queue == queue]

    def is_lost(self, identity: str) -> bool:
        """Return whether the server knows of that worker, and none of it is alive."""
        known = [worker.alive for worker in self.workers if worker.identity == identity]
        return bool(known) and not any(known)

    def describe_missing(self, queue: str) -> str:
        """Return the sentence about a queue that nobody polls, empty where somebody does."""
        if self.list_alive(queue):
            return ""
        last = self.find_last(queue)
        moment = format_moment(last.heard, datetime.now().astimezone()) if last else ""
        return describe_missing(queue, last.host if last else "", moment)

    def name_start(self, queue: str) -> str:
        """Return the command that starts a worker for a task queue, and the setting that it needs for it."""
        shared = find_shared_queue(queue)
        command = f"`hydra worker {ROLES_BY_QUEUE.get(shared, 'supervisor')}`"
        purpose = next((purpose for purpose, its in QUEUES_BY_PURPOSE.items() if its == shared), "")
        # Where nobody does this, but others of the role are there, these are set to do something else.
        if purpose and not self.list_alive(shared) and any(map(self.list_alive, QUEUES_BY_PURPOSE.values())):
            return f"{command} with {purpose} in `models.purposes`"
        return command

    def find_last(self, queue: str) -> NodeWorker | None:
        """Return the worker that was the last to poll a task queue, None where none is known."""
        known = [worker for worker in self.workers if worker.queue == queue]
        return max(known, key=lambda worker: worker.heard, default=None)


class NodeReader:
    """A reader of who works, which remembers from one look to the next what has changed.

    Clocks of nodes may differ: who has said something since the last look is alive, whatever time it stated.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._changed: dict[str, tuple[datetime, float]] = {}
        self._beating: set[str] = set()

    async def read(self) -> NodeView:
        """Return the workers. Raises RPCError where the server does not answer."""
        workers, beats = await _list_workers(self.client)
        now, wall = time.monotonic(), datetime.now(UTC)
        for worker in workers:
            before = self._changed.get(worker.key)
            if before is None:
                self._changed[worker.key] = worker.heard, now - max(0.0, (wall - worker.heard).total_seconds())
            elif before[0] != worker.heard:
                self._changed[worker.key] = worker.heard, now
        keys = {worker.key for worker in workers}
        self._changed = {key: change for key, change in self._changed.items() if key in keys}
        judged = tuple(
            replace(worker, alive=not worker.ended and now - self._changed[worker.key][1] < worker.silent_seconds)
            for worker in workers
        )
        # Who is lost stays in the list with its last heartbeat, for minutes.
        forgotten = not self._beating <= keys
        self._beating = {worker.key for worker in judged if worker.alive and worker.free is not None}
        return NodeView(judged, beats, forgotten)

    async def read_surely(self) -> NodeView:
        """Return the workers after a second look at those that may be lost or are new. Raises RPCError as `read`."""
        view = await self.read()
        if not any(_may_be_lost(worker, view) or _is_new(worker, view) for worker in view.workers):
            return view
        await asyncio.sleep(1.5 * BEAT.total_seconds())
        return await self.read()


def _may_be_lost(worker: NodeWorker, view: NodeView) -> bool:
    """Return whether a worker is silent, did not say that it ends, and nobody has taken its place on its host."""
    return not (worker.alive or worker.ended) and not any(
        other.identity == worker.identity for other in view.list_alive(worker.queue)
    )


def _is_new(worker: NodeWorker, view: NodeView) -> bool:
    """Return whether a worker is there whose first heartbeat is still to come."""
    return view.beats and worker.alive and worker.free is None


async def count_waiting(client: Client, queue: str) -> int:
    """Return about how many tasks wait in a queue. Raises RPCError where the server does not answer."""
    waiting = 0
    for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
        answer = await client.workflow_service.describe_task_queue(_ask_about(client, queue, kind), timeout=_CALL)
        waiting += answer.stats.approximate_backlog_count
    return waiting


async def list_identities(client: Client, queue: str) -> list[str]:
    """Return the identities of those that asked for activities of a queue lately. Raises RPCError as `read` does."""
    request = _ask_about(client, queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    return [poller.identity for poller in (await client.workflow_service.describe_task_queue(request)).pollers]


async def _list_workers(client: Client) -> tuple[list[NodeWorker], bool]:
    workers: list[NodeWorker] = []
    page = b""
    try:
        while True:
            request = ListWorkersRequest(namespace=client.namespace, page_size=_PAGE, next_page_token=page)
            answer = await client.workflow_service.list_workers(request, timeout=_CALL)
            workers += filter(None, (_read_heartbeat(info.worker_heartbeat) for info in answer.workers_info))
            page = answer.next_page_token
            if not page:
                break
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise
    heard = bool(workers)
    # A worker that was lost before its first heartbeat is known as a poller alone.
    for queue in ROLES_BY_QUEUE.keys() - {worker.queue for worker in workers}:
        workers += await _list_pollers(client, queue, SILENT_SECONDS if heard else _POLL_SECONDS)
    # A server that nobody works with tells nothing of itself.
    return workers, heard or not workers


async def _list_pollers(client: Client, queue: str, silent_seconds: float) -> Iterable[NodeWorker]:
    kind = (
        TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if queue == SUPERVISOR_QUEUE else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    )
    answer = await client.workflow_service.describe_task_queue(_ask_about(client, queue, kind), timeout=_CALL)
    return [_read_poller(queue, poller, silent_seconds) for poller in answer.pollers]


def _ask_about(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueRequest:
    return DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_stats=True
    )


def _read_heartbeat(beat: WorkerHeartbeat) -> NodeWorker | None:
    if find_shared_queue(beat.task_queue) not in ROLES_BY_QUEUE:
        return None  # Others may use the namespace too.
    role, host, host_id = _read_identity(beat.worker_identity, beat.task_queue, beat.host_info.host_name)
    # All workers of a process send the identity of one of them.
    identity = f"{role}@{host}#{host_id}" if host_id else beat.worker_identity
    slots = beat.activity_task_slots_info
    return NodeWorker(
        key=beat.worker_instance_key,
        identity=identity,
        role=role,
        host=host,
        host_id=host_id,
        queue=beat.task_queue,
        heard=_read_time(beat.heartbeat_time),
        started=_read_time(beat.start_time),
        build=beat.deployment_version.build_id,
        used=slots.current_used_slots,
        free=slots.current_available_slots,
        ended=beat.status != WorkerStatus.WORKER_STATUS_RUNNING,
    )


def _read_poller(queue: str, poller: PollerInfo, silent_seconds: float) -> NodeWorker:
    role, host, host_id = _read_identity(poller.identity, queue, poller.identity)
    return NodeWorker(
        key=f"{queue} {poller.identity}",
        identity=poller.identity,
        role=role,
        host=host,
        host_id=host_id,
        queue=queue,
        heard=_read_time(poller.last_access_time),
        silent_seconds=silent_seconds,
    )


def _read_identity(identity: str, queue: str, host: str) -> tuple[str, str, str]:
    """Return the role, the host and its id; the queue tells the role."""
    ours, role = _IDENTITY.fullmatch(identity), ROLES_BY_QUEUE[find_shared_queue(queue)]
    return (role, ours["host"], ours["id"]) if ours else (role, host, "")


def _read_time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
