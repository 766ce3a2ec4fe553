"""The activities of a sweep: the supervisor's on the database, and each node's on its own disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import NodeSweep, NodeSweepRequest, RecordsSweep, SweepRequest
from hydranet.names import OUR_WORKFLOWS

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool
    from temporalio.client import Client

    from activities.checkpoints.registry import RepositoryRegistry
    from activities.history.log_store import LogKeys
    from hydranet.settings import Settings

# An artifact that is used again is noted once an hour.
_MARGIN = timedelta(hours=2)
_OPEN = " OR ".join(f"WorkflowType = '{name}'" for name in OUR_WORKFLOWS)

ListNodes = Callable[[], Awaitable[list[NodeSweepRequest]]]


@dataclass(frozen=True)
class RecordSweeper:
    """The supervisor's part: the database, the logs that are still missing, and which nodes there are."""

    client: Client
    pool: AsyncConnectionPool
    keys: LogKeys
    settings: Settings
    list_nodes: ListNodes

    @activity.defn
    @translate_errors
    async def sweep_records(self, request: SweepRequest) -> RecordsSweep:
        """Remove old runs and artifacts, and say what the nodes are to be asked."""
        from activities.retention.missing_logs import keep_missing_logs
        from activities.retention.records import sweep_database

        began, open_ids = datetime.now(UTC), list[str]()
        async for workflow in self.client.list_workflows(f"ExecutionStatus = 'Running' AND ({_OPEN})"):
            began = min(began, workflow.start_time)
            open_ids.append(workflow.id)
        used_before = began - _MARGIN
        if not request.dry_run:
            await keep_missing_logs(self.client, self.pool, self.keys)
        removals = await sweep_database(
            self.pool, self.settings.retention, used_before, open_ids, dry_run=request.dry_run
        )
        wanted = {"used_before": used_before, "dry_run": request.dry_run}
        nodes = [node.model_copy(update=wanted) for node in await self.list_nodes()]
        return RecordsSweep(removals=tuple(removals), nodes=tuple(nodes[:300]))


@dataclass(frozen=True)
class NodeSweeper:
    """A node's part: its caches, and on a supervisor's host the references of its repositories."""

    settings: Settings
    name: str
    pool: AsyncConnectionPool | None = None
    registry: RepositoryRegistry | None = None

    @activity.defn
    @translate_errors
    async def sweep_node(self, request: NodeSweepRequest) -> NodeSweep:
        """Remove what is old on this node, by its own settings."""
        from activities.retention.caches import sweep_caches
        from activities.retention.references import sweep_references

        kept, problems = self.settings.retention, list[str]()
        cache = self.settings.data_dir / "cache"
        removals = await asyncio.to_thread(sweep_caches, cache, kept, request.used_before, dry_run=request.dry_run)
        if request.references and self.pool is not None and self.registry is not None:
            # Which attempts are dead is known as long as the run is on record.
            days = min(kept.refs_days, kept.runs_days or kept.refs_days)
            removed, problems = await sweep_references(self.pool, self.registry.paths, days, dry_run=request.dry_run)
            removals.append(removed)
        return NodeSweep(node=self.name, removals=tuple(removals), problem="; ".join(problems))
