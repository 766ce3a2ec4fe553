"""What commands show of nodes, on a real server with workers that send heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from activities.node.activities import NodeActivities
from hydra_cli.checks.nodes import check_nodes
from hydra_cli.cluster_status import build_document, list_nodes, render_nodes
from hydra_cli.node_survey import survey_nodes
from hydra_cli.terminal import make_console
from hydranet.contracts import (
    INFERENCE_QUEUE,
    RANKING_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    Level,
    name_node_queue,
)
from hydranet.names import ROLES_BY_QUEUE
from hydranet.settings import Settings
from tests.workflows.environment import dev_server
from tests.workflows.node import make_host, serve, spawn
from tests.workflows.world import World
from workers.nodes import NodeReader, NodeView


@asynccontextmanager
async def node(address: str, name: str, queues: Sequence[str], folder: Path) -> AsyncIterator[Client]:
    """Poll queues as a host does, that on which its node is asked too."""
    host, chosen = make_host(name), Settings(data_dir=folder, model="templates")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(serve(address, host, World(), queues))
        for queue in set(queues) - {RETRIEVAL_QUEUE}:
            calls = [NodeActivities(chosen, queue).survey_node]
            asked = name_node_queue(queue, host.id)
            identity = host.identify(ROLES_BY_QUEUE[queue])
            await stack.enter_async_context(Worker(client, task_queue=asked, identity=identity, activities=calls))
        yield client


async def read_until(reader: NodeReader, condition: Callable[[NodeView], bool]) -> NodeView:
    async with asyncio.timeout(30):
        while not condition(view := await reader.read()):
            await asyncio.sleep(0.2)
        return view


def count_heard(view: NodeView) -> int:
    """How many sandbox workers have sent a heartbeat, which tells their slots."""
    return sum(worker.free is not None for worker in view.list_alive(SANDBOX_QUEUE))


async def test_nodes_are_shown_with_slots_and_meters_and_the_lost_one_with_its_time(tmp_path: Path) -> None:
    async with dev_server() as server, AsyncExitStack() as stack:
        address = server.service_client.config.target_host
        await stack.enter_async_context(node(address, "alpha", [SUPERVISOR_QUEUE, RANKING_QUEUE], tmp_path))
        await stack.enter_async_context(node(address, "beta", [INFERENCE_QUEUE, RETRIEVAL_QUEUE], tmp_path))
        async with node(address, "gamma", [SANDBOX_QUEUE], tmp_path), spawn(address, "delta", SANDBOX_QUEUE) as process:
            reader = NodeReader(server)
            await read_until(reader, lambda view: count_heard(view) == 2)
            process.kill()
            await process.wait()
            view = await read_until(reader, lambda view: len(view.list_alive(SANDBOX_QUEUE)) == 1)
            answers = await survey_nodes(server, view, examine=True)
        # The workers of alpha are of one process.
        *others, alpha, both = sorted(list_nodes(view, answers), key=lambda row: row.host == "alpha")
        assert {alpha.role, both.role} == {"supervisor", "inference"}
        nodes = {row.host: row for row in (*others, alpha if alpha.role == "supervisor" else both)}
        checks = [(where, check) for where, check in check_nodes(view, answers)]
        gone = await NodeReader(server).read_surely()
        empty = [check for _, check in check_nodes(gone, await survey_nodes(server, gone)) if check.level is Level.FAIL]
    assert [(name, nodes[name].role, nodes[name].alive) for name in sorted(nodes)] == [
        ("alpha", "supervisor", True),
        ("beta", "inference", True),
        ("delta", "sandbox", False),
        ("gamma", "sandbox", True),
    ]
    meters = {name: row.meters for name, row in nodes.items()}
    assert meters["delta"] is None
    assert meters["gamma"] is not None
    # This process may have started the tests' PostgreSQL, which is in a namespace of bubblewrap too.
    assert meters["gamma"].sandboxes in (0, 1)
    assert meters["beta"] is not None
    assert [model.model for model in meters["beta"].models] == ["templates"]
    assert list(nodes["gamma"].list_slots()) == [(SANDBOX_QUEUE, 0, 100)]
    with (console := make_console()).capture() as shown:
        console.print(render_nodes(list(nodes.values())))
    assert "LOST" in shown.get()
    document = build_document(list(nodes.values()), view, dict.fromkeys(ROLES_BY_QUEUE, 0))
    assert {queue["queue"]: queue["workers"] for queue in document["queues"]} == dict.fromkeys(ROLES_BY_QUEUE, 1)
    assert all(check.level is not Level.FAIL for where, check in checks if not where.startswith("gamma"))
    assert {"clock", "disk", "docker", "bubblewrap", "user namespaces"} <= {
        check.name for where, check in checks if where == "gamma (sandbox)"
    }
    (check,) = empty
    assert check.name == SANDBOX_QUEUE
    assert check.text.startswith("no worker polls hydra-sandbox since ")
    assert check.text.endswith("(last: gamma)")


async def test_without_a_supervisor_nobody_is_asked_and_the_check_says_so() -> None:
    async with dev_server() as server:
        view = await NodeReader(server).read_surely()
        answers = await survey_nodes(server, view, examine=True)
        checks = [check for _, check in check_nodes(view, answers)]
        failed = [check.name for check in checks if check.level is Level.FAIL]
    assert answers.problem == "no supervisor works, which would ask the nodes"
    assert answers.skew is not None
    assert abs(answers.skew.total_seconds()) < 2
    assert failed == [SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE, SANDBOX_QUEUE]
    # Only runs with a supervisor model need that one, and nothing is known of a server with which nobody works.
    assert [check.name for check in checks if check.level is Level.WARN] == [RANKING_QUEUE, "answers"]
