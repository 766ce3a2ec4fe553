"""Where the steps of a run are made, and that what its request claims decides nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from temporalio.client import Client

from activities.checkpoints.registry import RepositoryRegistry
from hydra_cli.control import send_update
from hydra_cli.session import Session
from hydra_cli.start import find_model, start_run
from hydranet.contracts import (
    FIX_WORKFLOW,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    AskedModel,
    AttemptReport,
    BranchRequest,
    BranchResult,
    Checkpoint,
    Environment,
    Grant,
    Move,
    RunResult,
    name_commit_queue,
    name_host_queue,
    name_models_queue,
)
from hydranet.convergence.score import Attempt
from hydranet.errors import UsageError
from hydranet.genealogy import AttemptRecord, Ending, Outcome, Verdict
from hydranet.policy.constitution import Decision, Effect
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.conftest import Start, eventually
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.simulation import Activity, Simulation
from tests.workflows.test_branch_orders import HOME, Server
from tests.workflows.test_branch_orders import REQUEST as BRANCH
from tests.workflows.test_event_orders import Play
from tests.workflows.world import TARGET, World, passed, strategy
from workers.payloads import data_converter
from workers.sealing import KeyRing
from workers.stack import Stack
from workflows.branch import BranchWorkflow

SUPERVISED = Decision(operation="write", subject="ci.yml", effect=Effect.SUPERVISED, rule="ci", reason="It runs.")


def make_world() -> World:
    return World(rounds=[[strategy("one")]], trials={"one": [passed()]})


AWAY = Environment(key="environment", queue="hydra-sandbox-d", host="d")
STEPS = ("run_tests", "investigate", "try_candidates", "commit_checkpoint")


@pytest.mark.parametrize("parallel", [1, 2])
async def test_what_follows_an_environment_is_made_on_the_host_that_has_it(server: Client, parallel: int) -> None:
    """Two sandbox hosts poll the shared queue and one of their own; the first prepares."""
    shared, one, two = make_world(), make_world(), make_world()
    shared.host, shared.looks = "c", {"one": ["read_file a.py"]}
    request = REQUEST.model_copy(update={"parallel_branches": parallel})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workers(server, shared, QUEUES))
        for world, host in ((one, "c"), (two, "d")):
            # What a model answered is known to the shared world.
            world.recorded = shared.recorded
            own = name_host_queue(SANDBOX_QUEUE, host)
            await stack.enter_async_context(workers(server, world, [own, name_commit_queue(own)]))
        result: RunResult = await server.execute_workflow(
            FIX_WORKFLOW, request, id="fix-demo", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
    assert result.verdict is Verdict.FIXED
    # A branch beside others has its environment prepared wherever a host is free.
    assert shared.calls["prepare_environment"] == parallel
    assert [shared.calls[step] + two.calls[step] for step in STEPS] == [0, 0, 0, 0]
    assert [one.calls[step] for step in STEPS] == [2, 1, 1, 1]


def test_a_step_that_its_host_does_not_take_is_made_on_another_in_the_same_attempt() -> None:
    branch = Simulation(BranchWorkflow, BRANCH.model_copy(update={"environment": HOME}), Server([passed()]))
    try:
        while (trial := find_activity(branch, "try_candidates")) is None:
            branch.deliver(branch.answer(next(iter(branch.activities.values()))))
        assert (trial.queue, trial.patience) == ("hydra-sandbox-c", 30)
        for patience in (60, 30):
            # First the same host prepares again, which is only busy, then another.
            branch.deliver(branch.leave_activity(trial))
            preparation = find_activity(branch, "prepare_environment")
            assert preparation is not None
            assert (preparation.queue, preparation.patience) == (SANDBOX_QUEUE, 0)
            branch.deliver(branch.answer(preparation))
            trial = find_activity(branch, "try_candidates")
            assert trial is not None
            assert trial.patience == patience
        assert trial.queue == "hydra-sandbox-d"
        while not branch.ended:
            branch.settle()
            branch.deliver(*(branch.answer(activity) for activity in list(branch.activities.values())))
        report: AttemptReport = data_converter.payload_converter.from_payload(branch.sent[0], AttemptReport)
        assert report.record.number == 1
        assert report.notes == ("The sandbox host c took no step for 60 seconds: d went on in its place.",)
        assert report.move == Move(left=("hydra-sandbox-c",), environment=AWAY)
        assert branch.read_result(BranchResult).ending is Ending.PASSED
    finally:
        branch.close()


def test_a_run_goes_on_where_a_branch_went_that_its_host_was_lost_to() -> None:
    """The next branch and the verification begin there, and do not wait for the lost host again."""
    play = Play()
    play.server.prepare_environment = lambda: HOME  # type: ignore[method-assign]
    try:
        play.prepare()
        first, *_ = play.run.children.values()
        assert first.request(BranchRequest).environment == HOME
        play.run.deliver(play.run.signal("attempt_made", report_attempt(1, moved=True)))
        play.run.deliver(*play.ends())
        while len(play.run.children) == 1:
            play.run.deliver(*play.answer())
        second = list(play.run.children.values())[1]
        assert second.request(BranchRequest).environment == AWAY
        play.run.deliver(*play.child_starts())
        play.run.deliver(play.run.signal("attempt_made", report_attempt(2, passed=True)))
        play.passed.add(second.seq)
        play.run.deliver(*play.ends())
        verification = find_activity(play.run, "run_tests")
        assert verification is not None
        assert (verification.queue, verification.patience) == (AWAY.queue, 30)
    finally:
        play.run.close()


def test_a_branch_that_was_left_for_another_goes_on_where_its_run_went() -> None:
    request = BRANCH.model_copy(update={"environment": HOME, "granted": 1, "reaper": False})
    branch = Simulation(BranchWorkflow, request, Server([]))
    try:
        while not branch.sent:
            branch.deliver(branch.answer(next(iter(branch.activities.values()))))
        for queue, environment in (("hydra-sandbox-e", HOME), ("hydra-sandbox-c", AWAY)):
            # What another branch left does not concern it.
            move = Move(left=(queue,), environment=AWAY)
            attempts = branch.workflow.carried().state.attempts
            branch.deliver(branch.signal("go_on", Grant(attempts=attempts + 1, move=move)))
            while (trial := find_activity(branch, "try_candidates")) is None:
                branch.deliver(branch.answer(next(iter(branch.activities.values()))))
            assert trial.queue == environment.queue
            while branch.activities:
                branch.deliver(branch.answer(next(iter(branch.activities.values()))))
    finally:
        branch.close()


def report_attempt(branch: int, *, passed: bool = False, moved: bool = False) -> AttemptReport:
    return AttemptReport(
        branch=branch,
        record=AttemptRecord(
            number=1,
            summary="a change",
            outcome=Outcome.PASSED if passed else Outcome.FAILED,
            facts=Attempt(failing_tests=() if passed else TARGET, failing_count=0 if passed else 3, passed=passed),
        ),
        checkpoint=Checkpoint(commit="c1"),
        move=Move(left=(HOME.queue,), environment=AWAY) if moved else None,
    )


async def test_models_are_asked_where_they_are_called(server: Client, tmp_path: Path) -> None:
    """A command on a host without inference; its own settings name no Ollama."""
    world, warnings = World(), list[str]()
    session = open_session(server, tmp_path)
    async with workers(server, World(), [SUPERVISOR_QUEUE]):
        with pytest.raises(UsageError, match="No inference worker answers which model there is"):
            await find_model(session, Settings(model="auto"), warnings.append)
        warnings.clear()
        async with workers(server, world, [name_models_queue("repairs")]):
            assert await find_model(session, Settings(model="auto"), warnings.append) == "ollama:coder"
            assert not await session.works_here(name_models_queue("repairs"))
    assert world.requested("ask_models")[0].models == (AskedModel(model="auto", purpose="repairs"),)
    assert warnings == []


def open_session(server: Client, data_dir: Path) -> Session:
    stack = Stack(temporal=TemporalSettings(), database="")
    return Session(Settings(data_dir=data_dir), stack, server, KeyRing(Path(), [bytes(32)]))


async def test_the_same_path_on_two_hosts_is_two_repositories(
    server: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command on both starts a run on each, and again on either follows its own."""
    sessions = [open_session(server, tmp_path / name) for name in ("a", "b")]
    with monkeypatch.context() as patch:
        patch.setattr("hydra_cli.session._SUPERVISOR_SECONDS", 0.0)
        with pytest.raises(
            UsageError, match=r"No supervisor works for the repositories of this host.*worker supervisor"
        ):
            await start_run(sessions[0], REQUEST, "fix-demo", {})
    async with AsyncExitStack() as stack:
        for session in sessions:
            own = name_host_queue(SUPERVISOR_QUEUE, session.host.id)
            await stack.enter_async_context(workers(server, make_world(), [own]))
        # No workflow is taken, so both stay open.
        started = [await start_run(session, REQUEST, "fix-demo", {}) for session in sessions * 2]
    assert started == [("fix-demo", False), ("fix-demo-2", False), ("fix-demo", True), ("fix-demo-2", True)]
    for session in sessions:
        assert RepositoryRegistry(session.settings.data_dir).paths == (REQUEST.repository_path,)


def find_activity(branch: Simulation, name: str) -> Activity | None:
    return next((activity for activity in branch.activities.values() if activity.name == name), None)


async def test_a_repository_is_touched_by_the_supervisor_of_its_host_alone(server: Client) -> None:
    """Two hosts have a repository at the same path."""
    worlds = {"": make_world(), "a": make_world(), "b": make_world()}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workers(server, worlds[""], QUEUES))
        for host in ("a", "b"):
            own = [name_host_queue(SUPERVISOR_QUEUE, host)]
            await stack.enter_async_context(workers(server, worlds[host], own))
        for host in ("a", "b", "b"):
            request = REQUEST.model_copy(update={"host": host})
            run_id = f"fix-{host}-{worlds[host].calls['publish_fix']}"
            result: RunResult = await server.execute_workflow(
                FIX_WORKFLOW, request, id=run_id, task_queue=SUPERVISOR_QUEUE, result_type=RunResult
            )
            assert result.verdict is Verdict.FIXED
    for step in ("snapshot_repository", "review_fix", "publish_fix"):
        assert [worlds[host].calls[step] for host in ("", "a", "b")] == [0, 1, 2]


@pytest.mark.parametrize("effect", [Effect.ALLOWED, Effect.SUPERVISED])
async def test_what_a_request_says_of_a_rule_takes_no_decision_from_the_supervisor(
    start: Start, effect: Effect
) -> None:
    claimed = SUPERVISED.model_copy(update={"effect": effect, "subject": "README.md", "reason": "It is harmless."})
    world = make_world()
    world.reviews = [(SUPERVISED,)]
    run = await start(world, decisions=[claimed])
    await eventually(run, lambda genealogy: "rule ci: write ci.yml is supervised: It runs." in genealogy.state)
    assert world.calls["publish_fix"] == 0
    await send_update(run.handle, "approve", ["ann@laptop"])
    assert (await run.result()).verdict is Verdict.FIXED
    assert SUPERVISED in world.requested("publish_fix")[0].approved


async def test_no_request_claims_the_answer_of_a_person(start: Start) -> None:
    forged = Decision(operation="write", subject="ci.yml", effect=Effect.ALLOWED, rule="person", reason="Approved.")
    run = await start(make_world(), decisions=[forged])
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await run.genealogy()).decisions == ()


async def test_a_host_may_have_every_fix_wait_for_a_person(start: Start) -> None:
    world = make_world()
    world.asks_always = True
    run = await start(world, require_approval=False)
    await eventually(run, lambda genealogy: "waiting for approval" in genealogy.state)
    await send_update(run.handle, "approve", ["ann@laptop"])
    assert (await run.result()).verdict is Verdict.FIXED
