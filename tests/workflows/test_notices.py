"""What happens to a run is told, at least once and with one id, and no run waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.notices import webhook
from activities.notices.activities import NoticeActivities
from hydranet.contracts import NoticeRequest
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import (
    INFERENCE_QUEUE,
    NOTICE_WORKFLOW,
    OPTIONAL_QUEUES,
    RETRIEVAL_QUEUE,
    ROLES_BY_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    name_notice_queue,
)
from hydranet.notice import NoticeKind
from hydranet.notify_settings import NotifyTarget, WebhookTarget
from hydranet.report.notice import tell_end
from tests.webhook_receiver import SECRET, Delivery, Receiver
from tests.workflows.conftest import Start, eventually
from tests.workflows.environment import workers
from tests.workflows.node import make_host, serve, spawn
from tests.workflows.world import Held, World, failed, passed, strategy
from workers import run_watch
from workers.host import Host
from workers.node_notices import NodeNotices
from workers.nodes import NodeReader
from workers.notices import NoticeSender, name_delivery
from workers.roles import build_workflow_runner
from workers.run_notices import RunNotices

HOST = make_host("alpha")


class Told:
    """A supervisor's watch over runs, and the worker that delivers."""

    def __init__(self, client: Client, folder: Path, world: World, targets: list[NotifyTarget]) -> None:
        self._client, self._folder, self.world, self.targets = client, folder, world, targets
        self.watch = self.start_anew()

    def start_anew(self) -> RunNotices:
        """Return the watch of a supervisor that knows nothing of what the one before has sent."""
        self.sender = NoticeSender(self._client, HOST, lambda: self.targets)
        return RunNotices(self._client, self._read, self.sender, self._folder)

    async def _read(self, run_id: str) -> Genealogy | None:
        kept = [request.run for request in self.world.requested("record_genealogy") if request.run is not None]
        branches = [request.branch for request in self.world.requested("record_genealogy") if request.branch]
        return kept[-1].model_copy(update={"branches": tuple(branches)}) if kept else None

    async def look_until(self, receiver: Receiver, count: int) -> list[Delivery]:
        """Look again and again, as a server lists what has ended a moment later, until so many were told."""
        async with asyncio.timeout(30):
            while len(receiver.deliveries) < count:
                await self.watch.look()
                await asyncio.sleep(0.1)
        return receiver.deliveries

    async def count(self, least: int = 0) -> int:
        """Return how many deliveries have begun, once the server lists so many."""
        while True:
            count = (await self._client.count_workflows(f"WorkflowType = '{NOTICE_WORKFLOW}'")).count
            if count >= least:
                return count
            await asyncio.sleep(0.1)


@asynccontextmanager
async def deliver(client: Client, host: Host, targets: list[NotifyTarget]) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=name_notice_queue(host.id),
        identity=host.identify("supervisor"),
        activities=[NoticeActivities(lambda: targets).deliver_notice],
        workflow_runner=build_workflow_runner(),
    ):
        yield


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    server = Receiver()
    yield server
    await server.stop()


@pytest.fixture
def target(receiver: Receiver, tmp_path: Path) -> WebhookTarget:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    return WebhookTarget(kind="webhook", url=receiver.url, secret=f"file:{secret}")


@pytest.fixture
async def told(server: Client, tmp_path: Path, target: WebhookTarget) -> AsyncIterator[Callable[[World], Told]]:
    targets: list[NotifyTarget] = [target]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(deliver(server, HOST, targets))
        yield lambda world: Told(server, tmp_path, world, targets)


async def test_a_server_that_is_away_fails_and_is_slow_gets_the_notice_in_the_end_and_the_run_goes_on(
    start: Start, told: Callable[[World], Told], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_SECONDS", 1.0)
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]}, diff="+++ b/a.py\n+x = 2\n")
    supervisor = told(world)
    await supervisor.watch.look()
    run = await start(world, require_approval=True)
    await eventually(run, lambda genealogy: genealogy.waits)
    await supervisor.watch.look()
    assert await supervisor.count(1) == 1
    # Nobody is there to be told, and the run goes on.
    await run.handle.execute_update("approve", "ann@host")
    assert (await run.result()).verdict is Verdict.FIXED

    receiver.behaviour = "fails"
    await receiver.start()
    await receiver.wait_for(1)
    receiver.behaviour = "hangs"
    await receiver.wait_for(2)
    receiver.behaviour = "takes"
    deliveries = await receiver.wait_for(3)
    assert len({delivery.id for delivery in deliveries}) == 1, "repeats have the same id"
    assert len({delivery.body for delivery in deliveries}) == 1
    assert all(delivery.is_signed() for delivery in deliveries)
    notice = deliveries[-1].notice
    assert (notice["kind"], notice["run"], notice["diff"]) == ("waiting", run.handle.id, "+++ b/a.py\n+x = 2\n")
    assert f"hydra approve {run.handle.id}" in notice["commands"]
    assert "Passes" in [fact["label"] for fact in notice["facts"]]


async def test_what_happens_to_a_run_is_told_once_also_by_a_supervisor_that_starts_anew(
    start: Start, told: Callable[[World], Told], receiver: Receiver
) -> None:
    await receiver.start()
    world = World(
        rounds=[[strategy("circles")], [strategy("wins")]],
        trials={"circles": [failed("x = 2"), failed("x = 3"), failed("x = 2")], "wins": [passed("x = 5")]},
    )
    supervisor = told(world)
    await supervisor.watch.look()
    run = await start(world)
    await run.result()  # It ends between two looks.
    kinds = sorted(delivery.notice["kind"] for delivery in await supervisor.look_until(receiver, 2))
    assert kinds == [NoticeKind.ENDED, NoticeKind.REAPED]
    ended = next(delivery.notice for delivery in receiver.deliveries if delivery.notice["kind"] == "ended")
    assert ended["title"] == "fixed: It breaks"
    await supervisor.watch.look()
    await supervisor.start_anew().look()
    assert await supervisor.count(2) == 2


async def test_a_run_that_is_terminated_is_told(
    start: Start, told: Callable[[World], Told], receiver: Receiver
) -> None:
    await receiver.start()
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]})
    supervisor = told(world)
    await supervisor.watch.look()
    run = await start(world, require_approval=True)
    await eventually(run, lambda genealogy: genealogy.waits)
    await run.handle.terminate("no more")
    (delivery,) = await supervisor.look_until(receiver, 1)
    assert delivery.notice["title"] == "terminated: It breaks"


async def test_who_is_told_from_now_on_is_not_told_the_past(
    start: Start, told: Callable[[World], Told], receiver: Receiver
) -> None:
    await receiver.start()
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]})
    run = await start(world)
    await run.result()
    supervisor = told(world)
    await supervisor.watch.look()
    await supervisor.watch.look()
    assert await supervisor.count() == 0


async def test_a_target_gets_the_events_that_it_wants(
    start: Start, told: Callable[[World], Told], receiver: Receiver, target: WebhookTarget
) -> None:
    await receiver.start()
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]})
    supervisor = told(world)
    supervisor.targets[:] = [target.model_copy(update={"events": (NoticeKind.ENDED,)})]
    await supervisor.watch.look()
    run = await start(world, require_approval=True)
    await eventually(run, lambda genealogy: genealogy.waits)
    await supervisor.watch.look()
    await run.handle.execute_update("approve", "ann@host")
    await run.result()
    (delivery,) = await supervisor.look_until(receiver, 1)
    assert delivery.notice["kind"] == "ended"
    assert await supervisor.count(1) == 1


async def test_a_supervisor_that_starts_has_what_waits_tried_at_once(
    start: Start, told: Callable[[World], Told], receiver: Receiver, server: Client
) -> None:
    supervisor = told(World(rounds=[[strategy("one")]], trials={"one": [passed("a")]}))
    await supervisor.watch.look()
    run = await start(supervisor.world)
    await run.result()
    while await supervisor.count() == 0:
        await supervisor.watch.look()
    (delivery,) = [each async for each in server.list_workflows(f"WorkflowType = '{NOTICE_WORKFLOW}'")]

    async def count_tries() -> int:
        described = await server.get_workflow_handle(delivery.id).describe()
        return max((step.attempt for step in described.raw_description.pending_activities), default=0)

    while await count_tries() < 4:  # The next try is eight seconds later.
        await asyncio.sleep(0.1)
    await receiver.start()
    supervisor.start_anew()
    await supervisor.sender.hasten()
    await receiver.wait_for(1, seconds=4)


async def test_a_target_that_the_settings_know_no_more_is_given_up(
    start: Start, told: Callable[[World], Told], server: Client
) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]})
    supervisor = told(world)
    await supervisor.watch.look()
    run = await start(world)
    await run.result()
    (known,) = supervisor.targets
    supervisor.targets[:] = []
    notice = tell_end(run.handle.id, datetime.now(UTC), "completed", None)
    await supervisor.sender._start(notice, known)
    reason: str = await server.get_workflow_handle(name_delivery(notice, known), result_type=str).result()
    assert reason == "The settings of this host name no target webhook: correct 'notify'."


async def test_a_node_that_is_lost_and_its_queue_are_told(
    server: Client, told: Callable[[World], Told], receiver: Receiver
) -> None:
    await receiver.start()
    supervisor, address = told(World()), server.service_client.config.target_host

    def list_titles() -> set[str]:
        return {delivery.notice["title"] for delivery in receiver.deliveries}

    async with serve(address, HOST, World(), (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE)) as client:
        reader, nodes = NodeReader(client), NodeNotices(client, supervisor.sender)
        async with asyncio.timeout(60):
            async with spawn(address, "gamma", SANDBOX_QUEUE) as node:
                while not all(map((await reader.read()).list_alive, ROLES_BY_QUEUE.keys() - OPTIONAL_QUEUES.keys())):
                    await asyncio.sleep(0.2)
                for _ in range(3):
                    await nodes.hear(await reader.read())
                assert await supervisor.count() == 0
                node.kill()
            while len(list_titles()) < 2:
                await nodes.hear(await reader.read())
                await asyncio.sleep(0.2)
        assert list_titles() == {"The sandbox of gamma is lost", f"Nobody polls {SANDBOX_QUEUE}"}
        await nodes.hear(await reader.read())
        assert await supervisor.count(2) == 2


async def test_a_test_notice_that_no_supervisor_takes_says_so(
    server: Client, target: WebhookTarget, tmp_path: Path
) -> None:
    notice = tell_end("fix-x-1", datetime.now(UTC), "completed", None)
    request = NoticeRequest(notice=notice, target="webhook", queue=name_notice_queue("nobody"), once=True)
    async with workers(server, World(), [SUPERVISOR_QUEUE]):
        reason = await server.execute_workflow(
            NOTICE_WORKFLOW, request, id="notice-test", task_queue=SUPERVISOR_QUEUE, result_type=str
        )
    assert reason.startswith("No supervisor of this machine took it: start one")


async def test_a_first_attempt_that_takes_nearly_all_of_the_time_is_told_while_it_runs(
    start: Start, told: Callable[[World], Told], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await receiver.start()
    held = Held()
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]}, on={"try_candidates": held})
    supervisor = told(world)
    run = await start(world, budget={"seconds": 600})
    await held.began.wait()
    passed_by = 0.0
    monkeypatch.setattr(run_watch, "time", SimpleNamespace(monotonic=lambda: time.perf_counter() + passed_by))
    await supervisor.watch.look()
    passed_by = 500.0
    await supervisor.watch.look()
    assert await supervisor.count() == 0
    passed_by = 550.0
    (delivery,) = await supervisor.look_until(receiver, 1)
    assert (delivery.notice["kind"], run.handle.id) == (NoticeKind.BUDGET, delivery.notice["run"])
    assert delivery.notice["title"].startswith("92 % of the budget is spent")
    held.released.set()
    await run.result()
