"""What happens to nodes, told to people: one is lost, or nobody polls a queue."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client

from hydranet.names import BESIDE_INFERENCE, INFERENCE_QUEUE, OPTIONAL_QUEUES, ROLES_BY_QUEUE
from hydranet.report.notice import tell_lost_node, tell_missing_worker
from workers.nodes import NodeView, NodeWorker
from workers.notices import NoticeSender
from workers.outages import CALL, OPEN_RUNS


class NodeNotices:
    """What changed between views of the nodes."""

    def __init__(self, client: Client, sender: NoticeSender) -> None:
        self._client = client
        self._sender = sender
        self._began = datetime.now(UTC)
        self._empty: set[str] = set()

    async def hear(self, view: NodeView) -> None:
        """Have told who is lost, and which queues have nobody. Raises RPCError where the server does not answer."""
        if not self._sender.list_targets():
            return
        for worker in find_lost(view):
            await self._sender.send(tell_lost_node(worker.role, worker.host, worker.heard))
        empty = {queue for queue in ROLES_BY_QUEUE if not view.list_alive(queue)}
        # Workers of a node go silent one after the other, and a node that is restarted is there again soon.
        for queue in sorted(empty & self._empty):
            # Where nobody polls the inference queue either, its loss tells enough.
            if queue not in BESIDE_INFERENCE or INFERENCE_QUEUE not in empty:
                await self._tell_empty(queue, view)
        self._empty = empty

    async def _tell_empty(self, queue: str, view: NodeView) -> None:
        last = view.find_last(queue)
        # Where nobody has ever polled it, only who waits is concerned.
        if last is None and (queue in OPTIONAL_QUEUES or not await self._has_open_runs()):
            return
        since = last.heard if last else self._began
        await self._sender.send(tell_missing_worker(queue, since, view.describe_missing(queue), view.name_start(queue)))

    async def _has_open_runs(self) -> bool:
        return (await self._client.count_workflows(OPEN_RUNS, rpc_timeout=CALL)).count > 0


def find_lost(view: NodeView) -> list[NodeWorker]:
    """Return the workers that were the last of their nodes, and are gone without a word."""
    workers = sorted(view.workers, key=lambda worker: worker.heard)
    last = {(worker.host, worker.role): worker for worker in workers}
    there = {(worker.host, worker.role) for worker in workers if worker.alive}
    return [worker for node, worker in last.items() if node not in there and not worker.ended]
