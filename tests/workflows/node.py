"""Nodes for tests: workers with the identity of a host, in this process or in one that can be killed.

`python -m tests.workflows.node ADDRESS NAME QUEUE...` polls queues until it is killed; a test run never ends there.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Worker

from hydranet.contracts import SUPERVISOR_QUEUE
from hydranet.names import ROLES_BY_QUEUE
from tests.workflows.world import Held, World
from workers.host import Host
from workers.nodes import BEAT
from workers.payloads import data_converter
from workers.roles import WORKFLOWS, build_workflow_runner


def make_host(name: str) -> Host:
    return Host(hashlib.sha256(name.encode()).hexdigest()[:12], name)


@asynccontextmanager
async def serve(address: str, host: Host, world: World, queues: Sequence[str]) -> AsyncIterator[Client]:
    """Poll queues as workers of a host do, which send heartbeats to the server."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=BEAT)
    client = await Client.connect(address, data_converter=data_converter, runtime=runtime)
    async with AsyncExitStack() as stack:
        for queue in queues:
            worker = Worker(
                client,
                task_queue=queue,
                identity=host.identify(ROLES_BY_QUEUE[queue]),
                activities=world.activities(),
                workflows=WORKFLOWS if queue == SUPERVISOR_QUEUE else [],
                workflow_runner=build_workflow_runner(),
                max_heartbeat_throttle_interval=timedelta(seconds=1),
                default_heartbeat_throttle_interval=timedelta(seconds=1),
            )
            await stack.enter_async_context(worker)
        yield client


@asynccontextmanager
async def run_process(*command: str, env: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command from when it prints "ready"; it is killed at the end at the latest."""
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def spawn(address: str, name: str, *queues: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """Run a node in a process of its own."""
    return run_process(sys.executable, "-W", "ignore", "-m", __name__, address, name, *queues)


async def _work(address: str, name: str, queues: Sequence[str]) -> None:
    async with serve(address, make_host(name), World(on={"run_tests": Held()}), queues):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], sys.argv[3:]))
