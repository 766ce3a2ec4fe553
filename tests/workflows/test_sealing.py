"""Sealed runs: the server learns nothing of them, and nobody without a key is obeyed."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollActivityTaskQueueRequest,
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
)
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.worker import Replayer

from activities.heartbeat import report_progress
from activities.waits.failures import read_message
from hydranet.contracts import Environment, RunResult, TestReport, Trial
from hydranet.errors import OUTAGE, TransientError, UsageError
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import FIX_WORKFLOW, OPTIONAL_QUEUES, SANDBOX_QUEUE, SUPERVISOR_QUEUE
from hydranet.settings import Settings
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.world import Held, World, failed, passed, strategy
from workers.payloads import build_converter, data_converter
from workers.roles import WORKFLOWS, build_workflow_runner
from workers.sealing import KeyRing, SealingCodec, load_keys
from workers.versions import VersionGuard, build_activity_client

WORD = "the-word-that-nobody-may-read"


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return load_keys(Settings(data_dir=tmp_path))


@pytest.fixture
def owner(server: Client, keys: KeyRing) -> Client:
    """A client with a key; `server` itself has none."""
    return Client(server.service_client, data_converter=build_converter(keys))


@pytest.fixture
def node(keys: KeyRing, tmp_path: Path) -> KeyRing:
    """The keys of a node that has sandboxes alone."""
    file = tmp_path / "node"
    file.touch(0o600)
    file.write_text(keys.export_role("sandbox"))
    return load_keys(Settings(seal_key_file=file))


async def start(client: Client, **changes: Any) -> WorkflowHandle[Any, RunResult]:
    return await client.start_workflow(
        FIX_WORKFLOW,
        REQUEST.model_copy(update=changes),
        id=f"fix-demo-{uuid.uuid4().hex[:8]}",
        task_queue=SUPERVISOR_QUEUE,
        result_type=RunResult,
        static_summary=WORD,
    )


async def test_a_run_passes_sealed_and_the_server_reads_nothing(owner: Client, server: Client) -> None:
    world = World(rounds=[[strategy(WORD), strategy("two")]], trials={WORD: [failed(WORD)] * 3, "two": [passed()]})
    async with workers(owner, world):
        run = await start(owner, issue=WORD, title=WORD)
        assert (await run.result()).verdict is Verdict.FIXED
        described = await run.describe()
        texts = [described.raw_description.SerializeToString()]
        for workflow in [described, *[child async for child in server.list_workflows()]]:
            async for event in server.get_workflow_handle(workflow.id).fetch_history_events():
                texts.append(event.SerializeToString())
    assert len(texts) > 50
    # An id is made of the strategy's title, which is written for people.
    assert [text for text in texts if WORD.encode() in text.replace(f"b01-{WORD}".encode(), b"")] == []


async def test_what_a_stranger_starts_does_nothing(owner: Client, server: Client) -> None:
    world = World()
    async with workers(owner, world):
        forged = await start(server)
        run = await start(owner)
        await run.result()
        events = [event async for event in forged.fetch_history_events()]
    assert not any(event.HasField("activity_task_scheduled_event_attributes") for event in events)
    await forged.terminate()


@pytest.mark.parametrize("key", [b"", b"1" * 32], ids=["no key", "another key"])
async def test_a_stranger_is_not_obeyed_and_stops_no_run(owner: Client, server: Client, key: bytes) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held})
    async with workers(owner, world):
        run = await start(owner)
        await held.began.wait()
        theirs = build_converter(KeyRing(Path(), [key])) if key else server.data_converter
        stranger = Client(server.service_client, data_converter=theirs).get_workflow_handle(run.id)
        await stranger.signal("override", "Send me everything.")
        await stranger.signal("abort", "Ended by a stranger.")
        await stranger.signal("reap", {"branch": 1})
        for update in ("approve", "reject", "reap"):
            with pytest.raises((WorkflowUpdateFailedError, RPCError)):
                await stranger.execute_update(update, "x")
        held.released.set()
        assert (await run.result()).verdict is Verdict.FIXED


async def test_a_failure_is_sealed_too(owner: Client) -> None:
    world = World(on={"snapshot_repository": _fail})
    async with workers(owner, world):
        run = await start(owner)
        await run.result()
        events = [event.SerializeToString() async for event in run.fetch_history_events()]
    assert [event for event in events if WORD.encode() in event] == []


@pytest.mark.parametrize("step", ["warm_up", "propose_strategies", "implement"])
async def test_a_run_is_aborted_while_a_step_waits_for_its_next_try(owner: Client, step: str) -> None:
    """The server itself then says that the step is cancelled, and seals nothing."""
    world = World(rounds=[[strategy("one")]], on={step: _postpone})
    async with workers(owner, world):
        run = await start(owner)
        while not await _waits(owner, run):
            await asyncio.sleep(0.05)
        await run.signal("abort", "Enough.")
        assert (await run.result()).verdict is Verdict.ABORTED


async def _postpone(_: object) -> None:
    raise TransientError("away", 3600)


async def _waits(client: Client, run: WorkflowHandle[Any, RunResult]) -> bool:
    described = [(await run.describe()).raw_description]
    for child in described[0].pending_children:
        # The run has asked for one that is not there yet.
        with contextlib.suppress(RPCError):
            described.append((await client.get_workflow_handle(child.workflow_id).describe()).raw_description)
    return any(step.attempt > 1 for each in described for step in each.pending_activities)


async def _fail(_: object) -> None:
    from temporalio.exceptions import ApplicationError

    raise ApplicationError(WORD, type="FatalError", non_retryable=True)


async def test_a_sandbox_node_works_with_its_own_key_and_opens_nothing_else(
    owner: Client, server: Client, keys: KeyRing, node: KeyRing
) -> None:
    tries: list[None] = []
    held = Held()

    async def work(request: object) -> None:
        report_progress(7)
        tries.append(None)
        if len(tries) == 1:
            raise TransientError(WORD, 0.1)
        await held(request)

    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"try_candidates": work})
    client = Client(server.service_client, data_converter=build_converter(node))
    others = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]
    async with workers(owner, world, others), workers(client, world, [SANDBOX_QUEUE]):
        run = await start(owner)
        await held.began.wait()
        branch = server.get_workflow_handle(f"{run.id}/b01-one")
        beats: list[Payload] = []
        while not beats:
            described = (await branch.describe()).raw_description
            beats = [beat for step in described.pending_activities for beat in step.heartbeat_details.payloads]
        held.released.set()
        assert (await run.result()).verdict is Verdict.FIXED
        sealed = [payload async for payload in _read_payloads(server, run.id, branch.id)]
    sandbox = keys.identify("sandbox").encode()
    assert [beat.metadata["key"] for beat in beats] == [sandbox]
    assert {kind for queue, kind, _ in sealed if queue == SANDBOX_QUEUE} == {"input", "result", "failure"}
    assert len({queue for queue, _, _ in sealed}) == len(set(QUEUES) - OPTIONAL_QUEUES.keys()) + 1
    for queue, _, payload in sealed:
        assert (payload.metadata["key"] == sandbox) is (queue == SANDBOX_QUEUE)
        if queue == SANDBOX_QUEUE:
            await SealingCodec(node).decode([payload])
        else:
            with pytest.raises(UsageError):
                await SealingCodec(node).decode([payload])
        await SealingCodec(keys).decode([payload])


async def test_a_node_with_the_key_of_another_cluster_says_so_and_the_run_waits(
    owner: Client, server: Client, node: KeyRing, tmp_path: Path
) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    file = tmp_path / "other"
    file.touch(0o600)
    file.write_text(KeyRing(Path(), [b"1" * 32]).export_role("sandbox"))
    other = load_keys(Settings(seal_key_file=file))
    others = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]
    guarded = Client(owner.service_client, data_converter=owner.data_converter, interceptors=[VersionGuard()])
    wrong, right = (
        build_activity_client(
            Client(server.service_client, data_converter=build_converter(keys), interceptors=[VersionGuard()])
        )
        for keys in (other, node)
    )
    async with workers(guarded, world, others):
        run = await start(guarded)
        async with workers(wrong, world, [SANDBOX_QUEUE]):
            while not await _waits(guarded, run):
                await asyncio.sleep(0.05)
            [step] = (await run.describe()).raw_description.pending_activities
        assert step.last_failure.application_failure_info.type == OUTAGE
        # Its words are sealed with a key that nobody else has.
        assert "which is not in" in await read_message(guarded, step.last_failure)
        async with workers(right, world, [SANDBOX_QUEUE]):
            assert (await run.result()).verdict is Verdict.FIXED


async def forge(
    server: Client, queue: str, forger: KeyRing, answer: object, *, role: str = "inference", fails: bool = False
) -> None:
    """Take the next task of a queue, as whoever has a certificate of a node can, and answer it with its own keys."""
    service, codec = server.workflow_service, SealingCodec(forger, role)
    request = PollActivityTaskQueueRequest(
        namespace=server.namespace, task_queue=TaskQueue(name=queue), identity="forger"
    )
    while not (task := await service.poll_activity_task_queue(request)).task_token:
        pass
    sealed = Payloads(payloads=await codec.encode(await data_converter.encode([answer])))
    if not fails:
        completed = RespondActivityTaskCompletedRequest(
            namespace=server.namespace, task_token=task.task_token, result=sealed, identity="forger"
        )
        await service.respond_activity_task_completed(completed)
        return
    information = ApplicationFailureInfo(type="Any", non_retryable=True, details=sealed)
    failure = Failure(application_failure_info=information, encoded_attributes=sealed.payloads[0])
    await service.respond_activity_task_failed(
        RespondActivityTaskFailedRequest(
            namespace=server.namespace, task_token=task.task_token, failure=failure, identity="forger"
        )
    )


@pytest.mark.parametrize("fails", [False, True], ids=["a result", "a failure"])
async def test_an_answer_under_the_key_of_another_role_ends_the_run_in_a_sentence(
    owner: Client, server: Client, keys: KeyRing, tmp_path: Path, fails: bool
) -> None:
    file = tmp_path / "inference"
    file.touch(0o600)
    file.write_text(keys.export_role("inference"))
    forger = load_keys(Settings(seal_key_file=file))
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    others = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]
    async with workers(owner, world, others), asyncio.timeout(60):
        run = await start(owner)
        await forge(server, SANDBOX_QUEUE, forger, Environment(key="forged"), fails=fails)
        result = await run.result()
        genealogy: Genealogy = await run.query("genealogy", result_type=Genealogy)
    assert result.verdict is Verdict.FAILED
    assert "This was not sealed with a key of HydraNet's" in result.reason
    if not fails:
        assert result.reason.startswith("What came back as the result of prepare_environment on hydra-sandbox is not")
    assert genealogy.reason == result.reason
    failed_tasks = [
        event async for event in run.fetch_history_events() if event.HasField("workflow_task_failed_event_attributes")
    ]
    assert failed_tasks == []


@pytest.mark.parametrize("answer", [{"queue": 7}, None, "a text"], ids=["another form", "nothing", "a text"])
async def test_a_result_that_is_none_ends_the_run_in_a_sentence(
    owner: Client, server: Client, node: KeyRing, answer: object
) -> None:
    """By a node that has the key of its role, but other code."""
    others = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]
    async with workers(owner, World(), others), asyncio.timeout(60):
        run = await start(owner)
        await forge(server, SANDBOX_QUEUE, node, answer, role="sandbox")
        result = await run.result()
    assert result.verdict is Verdict.FAILED
    assert "see what the node runs that answered" in result.reason


async def test_a_forged_result_of_a_branch_ends_its_run_too_and_replays(
    owner: Client, server: Client, keys: KeyRing, tmp_path: Path
) -> None:
    file = tmp_path / "inference"
    file.touch(0o600)
    file.write_text(keys.export_role("inference"))
    held, world = Held(), World(rounds=[[strategy("one")]], trials={"one": [passed()]})
    world.on["implement"] = held
    others = [queue for queue in QUEUES if queue != SANDBOX_QUEUE]
    async with workers(owner, world, others), asyncio.timeout(60):
        run = await start(owner)
        async with workers(owner, world, [SANDBOX_QUEUE]):
            await held.began.wait()
        held.released.set()
        await forge(
            server,
            SANDBOX_QUEUE,
            load_keys(Settings(seal_key_file=file)),
            Trial(index=0, report=TestReport(passed=True)),
        )
        result = await run.result()
    assert result.verdict is Verdict.FAILED
    assert "the result of try_candidates on hydra-sandbox is not taken" in result.reason
    replayer = Replayer(
        workflows=WORKFLOWS, workflow_runner=build_workflow_runner(), data_converter=owner.data_converter
    )
    for name in (run.id, f"{run.id}/b01-one"):
        await replayer.replay_workflow(await owner.get_workflow_handle(name).fetch_history())


async def _read_payloads(server: Client, *workflows: str) -> AsyncIterator[tuple[str, str, Payload]]:
    """Yield what a workflow starts with, and what activities get and give, with the task queue and the kind."""
    for workflow_id in workflows:
        queues: dict[int, str] = {}
        async for event in server.get_workflow_handle(workflow_id).fetch_history_events():
            for payload in event.workflow_execution_started_event_attributes.input.payloads:
                yield "workflow", "input", payload
            scheduled = event.activity_task_scheduled_event_attributes
            queues[event.event_id] = scheduled.task_queue.name
            for payload in scheduled.input.payloads:
                yield scheduled.task_queue.name, "input", payload
            started = event.activity_task_started_event_attributes
            if started.last_failure.HasField("encoded_attributes"):
                yield queues[started.scheduled_event_id], "failure", started.last_failure.encoded_attributes
            completed = event.activity_task_completed_event_attributes
            for payload in completed.result.payloads:
                yield queues[completed.scheduled_event_id], "result", payload
