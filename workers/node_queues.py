"""The task queues on which nodes are asked about themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client

from hydranet.contracts import NodeSweepRequest, name_node_queue
from hydranet.names import ROLES_BY_QUEUE, SUPERVISOR_QUEUE, find_shared_queue
from workers.nodes import NodeReader, NodeWorker


def find_node_queue(worker: NodeWorker) -> str:
    """Return the queue on which the node of a worker is asked, empty where its identity names no host."""
    shared = next((queue for queue, role in ROLES_BY_QUEUE.items() if role == worker.role), "")
    return name_node_queue(shared, worker.host_id) if worker.host_id and shared else ""


async def list_node_sweeps(client: Client) -> list[NodeSweepRequest]:
    """Return what the hosts that are alive are to be asked in a sweep, each on one of its queues."""
    view = await NodeReader(client).read_surely()
    hosts: dict[str, set[str]] = {}
    for worker in view.workers:
        if worker.alive and (queue := find_node_queue(worker)):
            hosts.setdefault(worker.host_id, set()).add(queue)
    return [_choose(queues) for queues in hosts.values()]


def _choose(queues: set[str]) -> NodeSweepRequest:
    # That of a supervisor, where there is one, since it sweeps the repositories too.
    queue = min(queues, key=lambda each: (find_shared_queue(each) != SUPERVISOR_QUEUE, each))
    supervises = find_shared_queue(queue) == SUPERVISOR_QUEUE
    return NodeSweepRequest(queue=queue, used_before=datetime.now(UTC), references=supervises)
