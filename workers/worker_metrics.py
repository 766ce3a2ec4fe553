"""The metrics of a worker, by its role: its machine's, those of its sandboxes or models, and the fleet's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client

from activities.artifacts.observer import RunSnapshots
from hydranet.settings import Settings
from workers.exporter import Exporter
from workers.fleet_metrics import FleetMetrics
from workers.host import Host
from workers.node_metrics import NodeMetrics, SandboxMetrics
from workers.observation import locate_request
from workers.run_watch import RunWatch
from workers.telemetry import watch_models

if TYPE_CHECKING:
    from activities.inference.backend import Backends


@asynccontextmanager
async def serve_metrics(exporter: Exporter, settings: Settings, offset: int) -> AsyncIterator[None]:
    """Serve metrics until the block is left, at the address of the settings or where the stack is asked for them."""
    async with exporter.run(settings.metrics_address, offset, locate_request(settings.data_dir)):
        yield


@asynccontextmanager
async def measure_node(exporter: Exporter | None, host: Host, settings: Settings) -> AsyncIterator[None]:
    """Add what the machine has and uses."""
    if exporter is None:
        yield
        return
    with exporter.add(NodeMetrics(host.name, settings.data_dir)):
        yield


@asynccontextmanager
async def measure_sandboxes(exporter: Exporter | None, host: Host) -> AsyncIterator[None]:
    """Add what the sandboxes of this worker use."""
    if exporter is None:
        yield
        return
    metrics = SandboxMetrics(host.name)
    async with metrics.look(exporter.wanted):
        with exporter.add(metrics):
            yield


@asynccontextmanager
async def measure_models(
    exporter: Exporter | None, client: Client, backends: Backends, settings: Settings
) -> AsyncIterator[None]:
    """Add whether the models in use answer, and their memory."""
    async with AsyncExitStack() as stack:
        if exporter is not None and (runtime := client.service_client.config.runtime) is not None:
            watch = watch_models(backends, settings.models, runtime.metric_meter, exporter.wanted)
            await stack.enter_async_context(watch)
        yield


@asynccontextmanager
async def measure_fleet(exporter: Exporter | None, client: Client, pool: AsyncConnectionPool) -> AsyncIterator[None]:
    """Add the nodes, queues and runs, and count what workflows count from 0; the states of runs go to the database."""
    if exporter is None:
        yield
        return
    exporter.store.begin_counting()
    snapshots = RunSnapshots(pool)
    metrics = FleetMetrics(client, RunWatch(client, snapshots.record, snapshots.close))
    async with metrics.watch(exporter.wanted):
        with exporter.add(metrics):
            yield
