"""The repositories of runs that were started before hosts registered theirs: those runs still end with a fix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.client import Client

from activities.checkpoints.registry import RepositoryRegistry
from hydranet.contracts import FixRequest
from workers.outages import OPEN_RUNS


async def adopt_open_runs(client: Client, registry: RepositoryRegistry) -> None:
    """Register, at the first start on a host, the repositories of open runs that name no host."""
    if not registry.adopted:
        registry.adopt([path async for path in _list_paths(client)])


async def _list_paths(client: Client) -> AsyncIterator[str]:
    async for run in client.list_workflows(OPEN_RUNS):
        events = client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events(page_size=1)
        async for event in events:
            payloads = event.workflow_execution_started_event_attributes.input.payloads
            (request,) = await client.data_converter.decode(payloads[:1], [FixRequest])
            if not request.host and await asyncio.to_thread(Path(request.repository_path).is_dir):
                yield request.repository_path
            break
