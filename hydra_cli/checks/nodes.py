"""The checks of the nodes: who polls each task queue, of which builds, and what each tells of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from activities.node.machine import check_clock
from hydra_cli.checks.placed import PlacedCheck, report
from hydra_cli.node_survey import Answers
from hydranet.contracts import Level
from hydranet.names import OPTIONAL_QUEUES, ROLES_BY_QUEUE
from workers.node_queues import find_node_queue
from workers.nodes import NodeView

WHERE = "nodes"


def check_nodes(view: NodeView, answers: Answers) -> Iterator[PlacedCheck]:
    """Yield how the nodes are that work, and which queues have nobody."""
    yield from _check_queues(view)
    yield _check_builds(view)
    if answers.skew is not None:
        now = datetime.now(UTC)
        yield PlacedCheck("this machine", check_clock(now + answers.skew, now))
    if answers.problem:
        remedy = "Start a supervisor (`hydra worker supervisor`, or `hydra up`)."
        yield report(WHERE, "answers", answers.problem, Level.WARN, remedy)
        return
    yield from _check_answers(view, answers)


def _check_queues(view: NodeView) -> Iterator[PlacedCheck]:
    for queue in ROLES_BY_QUEUE:
        alive = view.list_alive(queue)
        if alive:
            hosts = sorted({worker.host for worker in alive})
            yield report(WHERE, queue, f"polled by {', '.join(hosts)}")
            continue
        text, level = view.describe_missing(queue), Level.FAIL
        if queue in OPTIONAL_QUEUES:
            text, level = f"{text}; {OPTIONAL_QUEUES[queue]}", Level.WARN
        yield report(WHERE, queue, text, level, f"Start one: {view.name_start(queue)}.")


def _check_builds(view: NodeView) -> PlacedCheck:
    hosts: dict[str, set[str]] = {}
    for worker in view.workers:
        if worker.alive and worker.build:
            hosts.setdefault(worker.build, set()).add(worker.host)
    if not view.beats:
        remedy = "Set frontend.WorkerHeartbeatsEnabled and frontend.ListWorkersEnabled in its dynamic configuration."
        return report(WHERE, "builds", "not known: the server keeps no heartbeats of workers", Level.WARN, remedy)
    if len(hosts) < 2:
        return report(WHERE, "builds", "all are equal" if hosts else "none is there")
    text = "; ".join(f"{build} on {', '.join(sorted(names))}" for build, names in sorted(hosts.items()))
    return report(WHERE, "builds", f"they differ: {text}", Level.WARN, "Update the older ones, and start them again.")


def _check_answers(view: NodeView, answers: Answers) -> Iterator[PlacedCheck]:
    asked = {find_node_queue(worker): worker for worker in view.workers if worker.alive}
    for queue, worker in sorted(asked.items(), key=lambda item: (item[1].host, item[1].role)):
        where = f"{worker.host} ({worker.role})"
        answer = answers.by_queue.get(queue)
        if answer is None or answer.report is None:
            problem = answer.problem if answer else "it was not asked"
            remedy = "See the log of its worker, or start it again."
            yield report(where, "answer", f"it tells nothing of itself: {problem}", Level.WARN, remedy)
            continue
        yield from (PlacedCheck(where, check) for check in answer.report.checks)
