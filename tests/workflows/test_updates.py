"""What a person tells a run is taken, or refused with a sentence that says why."""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from hydra_cli.control import send_update
from hydra_cli.session import Session
from hydranet.budget import Budget
from hydranet.contracts import FIX_WORKFLOW, SUPERVISOR_QUEUE, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import Ending, Genealogy, Verdict
from hydranet.policy.constitution import Decision, Effect
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.conftest import Run, Start, eventually
from tests.workflows.environment import REQUEST, workers
from tests.workflows.world import Held, World, passed, strategy
from workers.sealing import KeyRing
from workers.stack import Stack

ANN = "ann@host"
SUPERVISED = Decision(operation="apply", subject="main", effect=Effect.SUPERVISED, rule="apply")


async def refused(run: Run, name: str, *arguments: Any) -> str:
    """Return why a run refuses a message."""
    before: Genealogy = await run.genealogy()
    with pytest.raises(UsageError) as raised:
        await send_update(run.handle, name, [*arguments, ANN])
    assert await run.genealogy() == before, "a message that is refused changes nothing"
    return str(raised.value)


async def test_a_branch_is_reaped_in_the_middle_of_a_call(start: Start) -> None:
    held = Held()

    def hold_the_first(request: Any) -> Any:
        return held(request) if request.strategy.title == "one" else None

    world = World(
        rounds=[[strategy("one"), strategy("two")]], trials={"two": [passed()]}, on={"implement": hold_the_first}
    )
    run = await start(world)
    await held.began.wait()
    assert await send_update(run.handle, "reap", [0, "too slow", ANN]) == "b01 is reaped."
    assert held.cancelled.is_set()
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert [branch.ending for branch in genealogy.branches] == [Ending.REAPED, Ending.PASSED]
    assert genealogy.branches[0].reason == "Reaped by ann@host: too slow"
    assert [(message.kind, message.sender, message.text) for message in genealogy.messages] == [
        ("reap", ANN, "b01: too slow")
    ]


async def test_a_branch_is_reaped_while_the_run_is_paused(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one"), strategy("two")]], on={"implement": held}))
    await held.began.wait()
    await run.handle.signal("pause", ANN)
    await eventually(run, lambda genealogy: "paused" in genealogy.state)
    assert await send_update(run.handle, "reap", [1, "", ANN]) == "b01 is reaped."
    assert run.world.calls["plan"] == 1, "no branch works during a pause"
    await run.handle.signal("abort")
    await run.result()


async def test_a_branch_that_is_not_running_cannot_be_reaped(start: Start) -> None:
    preparing, first, second, third = Held(), Held(), Held(), Held()

    def hold(request: Any) -> Any:
        return {"one": first, "two": second, "three": third}[request.strategy.title](request)

    world = World(
        rounds=[[strategy("one"), strategy("two"), strategy("three")]],
        on={"prepare_environment": preparing, "implement": hold},
    )
    run = await start(world, parallel_branches=2)
    await preparing.began.wait()
    assert await refused(run, "reap", 0, "") == (
        "No branch is running (preparing the sandbox): wait until `hydra show` lists one."
    )
    assert await refused(run, "reap", 7, "") == "There is no branch 7: no branch is running."
    preparing.released.set()
    await asyncio.gather(first.began.wait(), second.began.wait())
    assert await refused(run, "reap", 0, "") == "b01 and b02 are running: name one of them with --branch."
    assert await refused(run, "reap", 7, "") == "There is no branch 7: b01 and b02 are running."
    assert await refused(run, "reap", -1, "") == "There is no branch -1: b01 and b02 are running."
    assert await send_update(run.handle, "reap", [1, "", ANN]) == "b01 is reaped."
    await third.began.wait()
    assert await refused(run, "reap", 1, "") == "b01 has ended already (reaped): b02 and b03 are running."
    await run.handle.signal("abort")
    await run.result()


async def test_a_branch_that_has_passed_cannot_be_reaped(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}), require_approval=True)
    await eventually(run, lambda genealogy: "approval" in genealogy.state)
    assert await find_attribute(run, "HydraWaits") == "fix"
    expected = "b01 has passed the tests: `hydra abort` ends the run if its fix is not wanted."
    assert await refused(run, "reap", 0, "") == expected
    assert await refused(run, "reap", 1, "") == expected
    await run.handle.signal("abort")
    await run.result()
    assert await find_attribute(run, "HydraWaits") is None


async def test_what_a_person_is_asked_is_in_the_genealogy_until_it_is_answered(start: Start) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": [passed("a")]}, diff="+a\n")
    run = await start(world, require_approval=True)
    await eventually(run, lambda genealogy: genealogy.waits)
    genealogy = await run.genealogy()
    wait = genealogy.waits
    assert wait is not None
    assert (wait.subject, wait.branch, wait.attempt, wait.diff, wait.passing) == ("fix", 1, 1, "+a\n", 5)
    assert timedelta() <= datetime.now(UTC) - wait.since < timedelta(minutes=1)
    await run.handle.signal("pause", ANN)
    await eventually(run, lambda genealogy: genealogy.paused and genealogy.waits)
    await send_update(run.handle, "reject", [ANN])
    await eventually(run, lambda genealogy: genealogy.waits is None)
    await run.handle.signal("abort", args=["", ANN])
    await run.result()
    assert not (await run.genealogy()).paused


async def find_attribute(run: Run, name: str) -> object:
    described = await run.handle.describe()
    return {pair.key.name: pair.value for pair in described.typed_search_attributes}.get(name)


async def test_a_branch_that_passes_before_it_is_reaped_says_so(start: Start) -> None:
    held = Held()

    async def complete_although_cancelled(request: Any) -> None:
        with suppress(asyncio.CancelledError):
            await held(request)

    # The last step of the branch, which the cancel of the reap meets as it completes.
    world = World(
        rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"commit_checkpoint": complete_although_cancelled}
    )
    run = await start(world)
    await held.began.wait()
    with pytest.raises(UsageError, match="b01 passed the tests before it could be reaped: see"):
        await send_update(run.handle, "reap", [1, "", ANN])
    assert (await run.result()).verdict is Verdict.FIXED


@pytest.mark.parametrize("why", [{"require_approval": True}, {"decisions": [SUPERVISED]}])
async def test_approval_is_waited_for_and_a_rejected_fix_is_left_behind(start: Start, why: dict[str, Any]) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": [passed("a")], "two": [passed("b")]})
    run = await start(world, **why)
    await eventually(run, lambda genealogy: "approval" in genealogy.state)
    assert world.calls["publish_fix"] == 0
    assert await send_update(run.handle, "reject", [ANN]) == "The search goes on without that fix."
    await eventually(run, lambda genealogy: "approval" in genealogy.state and len(genealogy.branches) == 2)
    assert await send_update(run.handle, "approve", [ANN]) == "The fix will be published."
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert [branch.ending for branch in genealogy.branches] == [Ending.REFUTED, Ending.PASSED]
    assert genealogy.branches[0].reason == "Rejected by ann@host."
    supervised = why.get("decisions", [])
    assert list(genealogy.decisions[:1]) == supervised
    answers = [("apply", "main", Effect.REFUSED, "person", "Rejected by ann@host.")]
    answers += [("apply", "main", Effect.ALLOWED, "person", "Approved by ann@host.")]
    assert [
        (decision.operation, decision.subject, decision.effect, decision.rule, decision.reason)
        for decision in genealogy.decisions[1:]
    ] == (answers if supervised else [])


async def test_an_approval_during_a_pause_is_carried_out_after_it(start: Start) -> None:
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}), require_approval=True)
    await eventually(run, lambda genealogy: "approval" in genealogy.state)
    await run.handle.signal("pause")
    answer = await send_update(run.handle, "approve", [ANN])
    assert answer == "The fix will be published when the run is resumed."
    assert await refused(run, "approve") != "", "it is approved already"
    assert run.world.calls["publish_fix"] == 0
    await run.handle.signal("resume")
    assert (await run.result()).verdict is Verdict.FIXED


@pytest.mark.parametrize("answer", ["approve", "reject"])
async def test_no_approval_is_taken_that_nothing_waits_for(start: Start, answer: str) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held}))
    await held.began.wait()
    assert await refused(run, answer) == (
        "The run does not wait for approval (working): "
        "wait until `hydra show` says that it does, or start it with --require-approval."
    )
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED


async def test_an_override_says_who_reads_it(start: Start) -> None:
    preparing, held = Held(), Held()
    world = World(rounds=[[strategy("one"), strategy("two")]], on={"prepare_environment": preparing, "implement": held})
    run = await start(world, budget=Budget(branches=1))
    await preparing.began.wait()
    later = "later branches will read it from their first attempt."
    assert await send_update(run.handle, "override", ["Look at the parser.", ANN]) == later
    preparing.released.set()
    await held.began.wait()
    assert world.requested("implement")[0].instruction == "Look at the parser."
    now = "b01 will read it in the next attempt."
    assert await send_update(run.handle, "override", ["Look at the lexer.", ANN]) == now
    sent = [(message.kind, message.sender, message.text) for message in (await run.genealogy()).messages]
    assert sent == [("override", ANN, "Look at the parser."), ("override", ANN, "Look at the lexer.")]
    await run.handle.signal("abort")
    await run.result()


async def test_an_override_that_is_empty_or_too_long_is_refused(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], on={"implement": held}))
    await held.began.wait()
    assert await refused(run, "override", " \n") == (
        "The instruction is empty: say what the next attempt must take into account."
    )
    assert (
        await refused(run, "override", "x" * 1501) == "The instruction has 1501 characters: shorten it to 1500 at most."
    )
    await run.handle.signal("abort")
    await run.result()


async def test_an_override_that_nobody_would_read_is_refused(start: Start) -> None:
    held = Held()
    templates = strategy("by template").model_copy(update={"model": "templates"})
    run = await start(World(rounds=[[templates]], on={"implement": held}), budget=Budget(branches=1))
    await held.began.wait()
    assert await refused(run, "override", "Look at the parser.") == (
        "It can do nothing: no branch with a model is running, and no further branch will be started."
    )
    await run.handle.signal("abort")
    await run.result()


async def test_an_override_of_a_run_of_templates_has_to_name_a_place(start: Start) -> None:
    held = Held()
    templates = strategy("one").model_copy(update={"model": "templates"})
    run = await start(World(rounds=[[templates]], on={"implement": held}), model="templates")
    await held.began.wait()
    for instruction in ("Look at the parser.", "Hurry up!"):
        assert (await refused(run, "override", instruction)).startswith(
            "Repair templates take nothing from an instruction but the files and functions that it names: name some"
        )
    for instruction in ("Look at `parse`.", "src/parser.py is wrong", "parse_line looks odd"):
        answer = await send_update(run.handle, "override", [instruction, ANN])
        assert answer == "later branches will begin with the places that it names."
    await run.handle.signal("abort")
    await run.result()


@pytest.mark.parametrize("model", ["templates", "scripted:a"])
async def test_templates_that_wait_are_proposed_again_with_the_instruction(start: Start, model: str) -> None:
    held = Held()
    first, second, third = [
        strategy(title).model_copy(update={"model": "templates"}) for title in ("one", "two", "three")
    ]
    world = World(
        rounds=[[first, second, third], [third, second]],
        trials={"three": [passed()]},
        on={"implement": held},
    )
    run = await start(world, model=model, templates_first=True, budget=Budget(attempts_per_branch=1))
    await held.began.wait()
    await send_update(run.handle, "override", ["Look at `three`.", ANN])
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED
    assert [branch.strategy.title for branch in (await run.genealogy()).branches] == ["one", "three"]
    asked = [
        (request.instruction, request.work.model, request.count) for request in world.requested("propose_strategies")
    ]
    assert asked == [("", "templates", 3), ("Look at `three`.", "templates", 3 if model == "templates" else 2)]


@pytest.mark.parametrize(("name", "arguments"), [("override", ["x"]), ("reap", [0, ""]), ("approve", [])])
async def test_a_run_that_publishes_its_fix_takes_no_message(start: Start, name: str, arguments: list[Any]) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"publish_fix": held}))
    await held.began.wait()
    assert await refused(run, name, *arguments) == (
        "The run is publishing its fix and takes no more messages: see `hydra show`."
    )
    held.released.set()
    await run.result()
    with pytest.raises(UsageError, match="has ended: see `hydra show"):
        await send_update(run.handle, name, [*arguments, ANN])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("reap", ["b01"]), ("reap", [1, "x", ANN, "more"]), ("override", []), ("override", [5]), ("approve", [1])],
)
async def test_an_update_that_does_not_fit_is_refused(start: Start, name: str, arguments: list[Any]) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held}))
    await held.began.wait()
    with pytest.raises(UsageError, match=r"The arguments do not fit: send |Failed decoding arguments"):
        await send_update(run.handle, name, arguments)
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED


@pytest.mark.parametrize("seconds", [1, 5.5])
async def test_a_run_that_ends_before_it_takes_a_message_says_so(server: Client, seconds: float) -> None:
    # No worker polls, so the message waits, or is being withdrawn, as the run is ended.
    handle = await server.start_workflow(
        FIX_WORKFLOW, REQUEST, id=f"fix-demo-{seconds}", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
    )
    sending = asyncio.create_task(send_update(handle, "reap", [0, "", ANN]))
    await asyncio.sleep(seconds)
    await handle.terminate()
    with pytest.raises(UsageError, match="has ended: see `hydra show"):
        await sending


async def test_a_message_that_no_supervisor_takes_is_withdrawn(server: Client) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")]], on={"implement": held})
    async with AsyncExitStack() as first:
        await first.enter_async_context(workers(server, world))
        handle = await server.start_workflow(
            FIX_WORKFLOW, REQUEST, id="fix-demo-alone", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
        )
        await held.began.wait()
    began = time.monotonic()
    with pytest.raises(UsageError, match="No supervisor took the message to fix-demo-alone within 5 seconds"):
        await send_update(handle, "override", ["Look at the parser.", ANN])
    assert 4.5 < time.monotonic() - began < 8
    session = Session(Settings(), Stack(temporal=TemporalSettings(), database=""), server, KeyRing(Path(), [bytes(32)]))
    with pytest.raises(UsageError, match="No supervisor answers for fix-demo-alone: no worker polls hydra-supervisor"):
        await session.genealogy(handle.id)
    async with workers(server, world):
        genealogy: Genealogy = await handle.query("genealogy", result_type=Genealogy)
        assert genealogy.messages == ()
        taken = await send_update(handle, "override", ["Look at the lexer.", ANN])
        assert taken.startswith("b01 will read it")
        await handle.signal("abort")
        await handle.result()
        genealogy = await handle.query("genealogy", result_type=Genealogy)
    assert [message.text for message in genealogy.messages] == ["Look at the lexer.", ""]
