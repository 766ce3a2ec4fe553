"""`hydra cluster status`: the nodes that work, as Temporal's server knows them, and what each has in use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from hydra_cli.node_survey import Answers, does_work, survey_nodes
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console, plain, write_json, write_line
from hydranet import settings
from hydranet.contracts import NodeAnswer, NodeMeters
from hydranet.names import OPTIONAL_QUEUES, ROLES_BY_QUEUE
from hydranet.text.formatting import format_count, format_moment
from workers.cluster.folder import ClusterFolder
from workers.cluster.registry import NodeRecord, Registry
from workers.node_queues import find_node_queue
from workers.nodes import NodeReader, NodeView, NodeWorker, count_waiting

_GB = 2**30
_LOADED = {True: "loaded", False: "not loaded", None: "answers"}


def status(
    json: Annotated[bool, typer.Option("--json", help="Print nodes and queues as JSON.")] = False,
) -> None:
    """Show the nodes: host, role, version, slots, last heartbeat, and what each has in use.

    The exit code is 1 when a task queue that every run needs has no worker.
    """
    asyncio.run(_status(json=json))


async def _status(*, json: bool) -> None:
    chosen = settings.load_settings()
    folder = ClusterFolder(chosen.data_dir)
    members = Registry(folder).list() if folder.exists else []
    async with attach_session(chosen) as session:
        view = await NodeReader(session.client).read_surely()
        # Before the nodes are asked, which is a task too.
        waiting = {queue: await count_waiting(session.client, queue) for queue in ROLES_BY_QUEUE}
        answers = await survey_nodes(session.client, view)
    nodes = list_nodes(view, answers)
    empty = [queue for queue in ROLES_BY_QUEUE.keys() - OPTIONAL_QUEUES.keys() if not view.list_alive(queue)]
    if json:
        write_json(build_document(nodes, view, waiting) | {"members": list_members(members)}, indent=1)
    else:
        make_console().print(render_nodes(nodes))
        for line in _list_remarks(view, answers, waiting):
            write_line(line)
        if members:
            write_line()
            make_console().print(render_members(members))
    if empty:
        raise typer.Exit(1)


@dataclass(frozen=True)
class NodeRow:
    """A role on a host: its workers, of which the newest of each queue counts, and what it answered."""

    role: str
    host: str
    host_id: str
    workers: tuple[NodeWorker, ...]
    answer: NodeAnswer | None = None

    @property
    def alive(self) -> bool:
        """Whether one of its workers polls."""
        return any(worker.alive for worker in self.workers)

    @property
    def heard(self) -> datetime:
        """When one of its workers was last heard of."""
        return max(worker.heard for worker in self.workers)

    @property
    def builds(self) -> list[str]:
        """The builds of its workers: one, but while it is updated."""
        counted = [worker for worker in self.workers if worker.alive] or self.workers
        return sorted({worker.build for worker in counted if worker.build})

    @property
    def meters(self) -> NodeMeters | None:
        """What it has in use, None where it did not answer."""
        return self.answer.report.meters if self.answer and self.answer.report else None

    def list_slots(self) -> Iterator[tuple[str, int, int]]:
        """Yield the queues of its work, each with its used and all its slots."""
        for worker in self.workers:
            if worker.alive and worker.free is not None and does_work(worker.queue):
                yield worker.queue, worker.used, worker.used + worker.free


def list_nodes(view: NodeView, answers: Answers) -> list[NodeRow]:
    """Return the nodes, those that work first."""
    by_identity: dict[str, dict[str, NodeWorker]] = {}
    for worker in sorted(view.workers, key=lambda worker: (worker.alive, worker.heard)):
        by_identity.setdefault(worker.identity, {})[worker.queue] = worker
    nodes = []
    for by_queue in by_identity.values():
        workers = tuple(by_queue[queue] for queue in sorted(by_queue))
        first = workers[0]
        answer = answers.by_queue.get(find_node_queue(first))
        nodes.append(NodeRow(first.role, first.host, first.host_id, workers, answer))
    order = list(dict.fromkeys(ROLES_BY_QUEUE.values()))
    return sorted(nodes, key=lambda node: (not node.alive, node.host, order.index(node.role)))


def render_nodes(nodes: list[NodeRow]) -> Table:
    """Return the table of the nodes."""
    table = Table("host", "role", "version", "slots in use", "last heartbeat", "in use", box=None)
    now = datetime.now().astimezone()
    for node in nodes:
        slots = ", ".join(f"{queue.removeprefix('hydra-')} {used}/{total}" for queue, used, total in node.list_slots())
        ended = all(worker.ended for worker in node.workers)
        state = "" if node.alive else f" ({'it has ended' if ended else 'LOST'})"
        seconds = (datetime.now(UTC) - node.heard).total_seconds()
        heard = f"{max(0.0, seconds):.0f} s ago" if node.alive else f"{format_moment(node.heard, now)}{state}"
        style = "" if node.alive else "dim" if ended else "red"
        cells = (node.host, node.role, ", ".join(node.builds) or "-", slots or "-", heard, _describe_use(node))
        table.add_row(*(plain(cell, style) for cell in cells))
    return table


def render_members(members: list[NodeRecord]) -> Table:
    """Return the table of the nodes that have joined, whether they work or not."""
    table = Table("joined as", "role", "from", "certificate", "good until (UTC)", box=None)
    for node in members:
        until = f"{node.expires:%Y-%m-%d %H:%M}"
        style = "red" if node.expires <= datetime.now(UTC) else ""
        cells = (node.name, node.role, node.address, node.certificates[-1].serial, until)
        table.add_row(*(plain(cell, style) for cell in cells))
    return table


def list_members(members: list[NodeRecord]) -> list[dict[str, Any]]:
    """Return the nodes that have joined as `--json` prints them."""
    return [node.model_dump(mode="json", exclude={"login"}) for node in members]


def build_document(nodes: list[NodeRow], view: NodeView, waiting: dict[str, int]) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "nodes": [
            {
                "host": node.host,
                "host_id": node.host_id,
                "role": node.role,
                "alive": node.alive,
                "builds": node.builds,
                "last_heartbeat": node.heard.isoformat(),
                "slots": {queue: {"used": used, "all": total} for queue, used, total in node.list_slots()},
                "meters": node.meters.model_dump(mode="json") if node.meters else None,
                "problem": node.answer.problem if node.answer else "",
            }
            for node in nodes
        ],
        "queues": [
            {
                "queue": queue,
                "role": role,
                "workers": len(view.list_alive(queue)),
                "waiting": waiting[queue],
            }
            for queue, role in ROLES_BY_QUEUE.items()
        ],
        "heartbeats": view.beats,
    }


def _describe_use(node: NodeRow) -> str:
    if node.answer is not None and node.answer.problem:
        return f"it does not answer: {node.answer.problem}"
    meters = node.meters
    if meters is None:
        return "-"
    parts = [] if meters.sandboxes is None else [f"sandboxes {meters.sandboxes}"]
    for model in meters.models:
        state = "does not answer" if model.problem else _LOADED[model.loaded]
        vram = f", {model.vram / _GB:.1f} GiB VRAM" if model.vram else ""
        parts.append(f"{model.model} {state}{vram}")
    parts += [f"{gpu.name} {gpu.used / _GB:.1f}/{gpu.total / _GB:.1f} GiB, {gpu.load} %" for gpu in meters.gpus]
    return ", ".join([*parts, f"disk {meters.disk_free / _GB:.0f} GB free"])


def _list_remarks(view: NodeView, answers: Answers, waiting: dict[str, int]) -> Iterator[str]:
    for queue in ROLES_BY_QUEUE:
        if sentence := view.describe_missing(queue):
            needed = f"; {OPTIONAL_QUEUES[queue]}" if queue in OPTIONAL_QUEUES else ""
            yield f"{sentence[:1].upper()}{sentence[1:]}: start one ({view.name_start(queue)}){needed}."
        if waiting[queue]:
            yield f"About {format_count(waiting[queue], 'task')} in {queue} waiting for a worker."
    if answers.problem:
        yield f"What the nodes have in use is not known: {answers.problem}."
    if not view.beats:
        yield (
            "This Temporal server keeps no heartbeats of workers, so that who polled in the last minute is taken to be "
            "there: set frontend.WorkerHeartbeatsEnabled and frontend.ListWorkersEnabled to true in its dynamic "
            "configuration."
        )
