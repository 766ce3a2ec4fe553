"""What a supervisor tells Prometheus of the whole fleet: nodes, queues, open runs, and what they wait for.

No metric names a run. Alerts say that something waits, and `hydra runs` what.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.client import Client
from temporalio.service import RPCError

from activities.background import run_beside
from hydranet.names import BRANCH_WORKFLOW, ROLES_BY_QUEUE, find_shared_queue
from workers.nodes import NodeReader, NodeView, count_waiting
from workers.outages import CALL
from workers.run_watch import RunPhase, RunWatch

_logger = logging.getLogger(__name__)

# A node that is lost is to be in the metrics within ten seconds, of which its silence takes eight.
_NODES_SECONDS = 0.5
_RUNS_SECONDS = 2.0
# A node that was lost and did not come back is told for this long.
_REMEMBERED_SECONDS = 3600.0
_BRANCHES = f"WorkflowType = '{BRANCH_WORKFLOW}' AND ExecutionStatus = 'Running'"

Node = tuple[str, str]
"""A host's name and a role."""


class NodeLedger:
    """The nodes that are there, and those that were lost without a word."""

    def __init__(self) -> None:
        self._lost: dict[Node, float] = {}
        self._there: set[Node] = set()

    def take(self, view: NodeView) -> None:
        """Take in who is there now."""
        now, workers = time.monotonic(), sorted(view.workers, key=lambda worker: worker.heard)
        last = {(worker.host, worker.role): worker for worker in workers}
        self._there = {(worker.host, worker.role) for worker in workers if worker.alive}
        gone = {node for node, worker in last.items() if node not in self._there and not worker.ended}
        ended = {node for node, worker in last.items() if worker.ended}
        # The server forgets a lost worker after some minutes.
        remembered = {node for node, since in self._lost.items() if now - since < _REMEMBERED_SECONDS}
        lost = (remembered | gone) - self._there - ended
        self._lost = {node: self._lost.get(node, now) for node in lost}

    def list_nodes(self) -> Iterator[tuple[Node, bool]]:
        """Yield the nodes, each with whether it is there."""
        yield from ((node, True) for node in sorted(self._there))
        yield from ((node, False) for node in sorted(self._lost))


class FleetMetrics(Collector):
    """The nodes, queues and runs as the server knew them at the last look."""

    def __init__(self, client: Client, runs: RunWatch) -> None:
        self._client = client
        self._runs = runs
        self._ledger = NodeLedger()
        self._view = NodeView()
        self._waiting: Mapping[str, int] = {}
        self._branches = 0
        self._answers: bool | None = None

    @asynccontextmanager
    async def watch(self, wanted: asyncio.Event) -> AsyncIterator[None]:
        """Look at the fleet until the block is left, from when the event is set."""
        async with run_beside(self._watch_nodes(wanted)), run_beside(self._watch_runs(wanted)):
            yield

    async def _watch_nodes(self, wanted: asyncio.Event) -> None:
        await wanted.wait()
        reader = NodeReader(self._client)
        while True:
            try:
                self._view = await reader.read()
                self._ledger.take(self._view)
                self._answers = True
            except RPCError:
                # Nobody was heard while the server was away.
                reader, self._answers = NodeReader(self._client), False
            except Exception:
                _logger.exception("Which nodes are there is not known for now.")
            await asyncio.sleep(_NODES_SECONDS)

    async def _watch_runs(self, wanted: asyncio.Event) -> None:
        await wanted.wait()
        while True:
            try:
                self._branches = (await self._client.count_workflows(_BRANCHES, rpc_timeout=CALL)).count
                self._waiting = await self._count_waiting()
                await self._runs.look()
            except RPCError:
                pass  # The other watch tells that the server is away.
            except Exception:
                _logger.exception("What runs wait for is not known for now.")
            await asyncio.sleep(_RUNS_SECONDS)

    async def _count_waiting(self) -> Counter[str]:
        """Return how many tasks wait, those of a host's own queues with those of the shared one."""
        waiting = Counter(dict.fromkeys(ROLES_BY_QUEUE, 0))
        for queue in ROLES_BY_QUEUE.keys() | {worker.queue for worker in self._view.workers}:
            waiting[find_shared_queue(queue)] += await count_waiting(self._client, queue)
        return waiting

    def collect(self) -> Iterator[Metric]:
        """Yield what was seen at the last look; nothing before the first."""
        if self._answers is None:
            return
        text = "1 while Temporal's server answers, 0 while it does not."
        yield GaugeMetricFamily("hydra_temporal_answers", text, value=float(self._answers))
        up = GaugeMetricFamily(
            "hydra_node_up", "1 for a node that is there, 0 for a lost one.", labels=["host", "role"]
        )
        for node, there in self._ledger.list_nodes():
            up.add_metric(list(node), float(there))
        yield up
        workers, depth = (
            GaugeMetricFamily(name, text, labels=["task_queue"])
            for name, text in (
                ("hydra_queue_workers", "Workers that poll the shared task queue."),
                ("hydra_queue_depth", "About how many tasks wait in the task queue, and those of single hosts."),
            )
        )
        for queue in ROLES_BY_QUEUE:
            workers.add_metric([queue], float(len(self._view.list_alive(queue))))
            depth.add_metric([queue], float(self._waiting.get(queue, 0)))
        yield from (workers, depth)
        runs = GaugeMetricFamily("hydra_open_runs", "Open runs by what they do.", labels=["phase"])
        phases = self._runs.count_phases()
        for phase in RunPhase:
            runs.add_metric([phase.value], float(phases[phase]))
        yield runs
        yield GaugeMetricFamily("hydra_open_branches", "Branches that are pursued now.", value=float(self._branches))
        near = float(len(self._runs.list_near_budget()))
        yield GaugeMetricFamily("hydra_runs_near_budget", "Open runs that have spent 90 % of a budget.", value=near)
