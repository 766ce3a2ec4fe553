"""A strategy of a person's own gets the next branch, and stands in the genealogy as theirs."""

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from hydra_cli.control import send_update
from hydranet.budget import Budget
from hydranet.contracts import PlaceRequest
from hydranet.errors import FatalError, UsageError
from hydranet.genealogy import Ending, Verdict
from hydranet.strategy import SUGGESTED, TEMPLATES
from tests.workflows.conftest import Run, Start, eventually
from tests.workflows.test_allocation import NOTHING_NEW, PLACES, at
from tests.workflows.world import Held, World, failed, passed, strategy

ANN = "ann@host"
TEXT = "Round before adding: the last cent is lost."


def hold_first(held: Held) -> dict[str, Any]:
    """Hold up the first branch's first attempt."""
    return {"implement": lambda request: held(request) if request.branch == 1 and request.attempt == 1 else None}


async def refuse(run: Run, *arguments: str) -> str:
    with pytest.raises(UsageError) as raised:
        await send_update(run.handle, "suggest", [*arguments, ANN])
    return str(raised.value)


@pytest.mark.parametrize("allocation", ["value", "order"])
async def test_a_suggestion_gets_the_next_branch(start: Start, allocation: str) -> None:
    held = Held()
    world = World(
        rounds=[[at("first"), at("second")]],
        places=PLACES,
        trials={"first": [NOTHING_NEW], TEXT: [passed()]},
        on=hold_first(held),
    )
    run = await start(world, allocation=allocation, budget=Budget(attempts_per_branch=1))
    await held.began.wait()
    answer = await send_update(run.handle, "suggest", [TEXT, "a.py:second", ANN])
    assert answer == "The suggestion gets the next branch: it is pursued at a.py:second."
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    own = genealogy.branches[1].strategy
    assert (own.title, own.kind, own.suggested_by) == (TEXT, SUGGESTED, ANN)
    assert (own.target_files, own.target_symbols) == (("a.py",), ("second",))
    assert genealogy.branches[1].ending is Ending.PASSED
    (message,) = genealogy.messages
    assert (message.kind, message.sender, message.text) == ("suggest", ANN, f"a.py:second: {TEXT}")


async def test_a_suggestion_keeps_a_run_from_ending_as_exhausted(start: Start) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")]], trials={"one": [failed("x")], TEXT: [passed()]}, on=hold_first(held))
    run = await start(world, budget=Budget(attempts_per_branch=1))
    await held.began.wait()
    answer = await send_update(run.handle, "suggest", [TEXT, "", ANN])
    assert answer == "The suggestion gets the next branch: the model is told of it, and no place is named."
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED


async def test_a_suggestion_is_tried_when_the_fix_that_waits_is_rejected(start: Start) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": [passed("a")], TEXT: [passed("b")]})
    run = await start(world, require_approval=True)
    await eventually(run, lambda genealogy: genealogy.waits)
    await send_update(run.handle, "suggest", [TEXT, "", ANN])
    await send_update(run.handle, "reject", [ANN])
    await eventually(run, lambda genealogy: genealogy.waits and genealogy.waits.branch == 2)
    await send_update(run.handle, "approve", [ANN])
    await run.result()
    assert [branch.strategy.title for branch in (await run.genealogy()).branches] == ["one", TEXT]


async def test_a_suggestion_that_cannot_be_pursued_is_refused(start: Start) -> None:
    held = Held()
    problem = "There is no file b.py at the base of the run."

    def look(request: PlaceRequest) -> None:
        if request.place == "b.py:f":
            raise FatalError(problem)

    world = World(rounds=[[strategy("one")]], on={**hold_first(held), "find_place": look})
    run = await start(world, budget=Budget(branches=2))
    await held.began.wait()
    assert await refuse(run, " ", "") == "The suggestion is empty: say what is to be changed."
    assert await refuse(run, "x" * 1501, "") == "The suggestion has 1501 characters: shorten it to 1500 at most."
    assert "--place FILE:FUNCTION" in await refuse(run, TEXT, "x" * 1001)
    assert await refuse(run, TEXT, "b.py:f") == problem
    assert not (await run.genealogy()).messages, "a message that is refused changes nothing"
    await send_update(run.handle, "suggest", [TEXT, "", ANN])
    assert await refuse(run, TEXT, "") == "No branch is left of the 2 of the budget (budget.branches)."
    await run.handle.signal("abort")
    await run.result()
    assert "has ended" in await refuse(run, TEXT, "")


async def test_a_suggestion_waits_for_the_run_to_be_prepared(start: Start) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")]], trials={TEXT: [passed()]}, on={"run_tests": held})
    run = await start(world)
    await held.began.wait()
    sent = await run.handle.start_update(
        "suggest", args=[TEXT, "", ANN], wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=str
    )
    held.released.set()
    assert (await sent.result()).startswith("The suggestion gets the next branch")
    assert (await run.result()).verdict is Verdict.FIXED


async def test_a_suggestion_to_a_run_that_ends_before_it_is_prepared_is_refused(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], on={"run_tests": held}))
    await held.began.wait()
    sent = await run.handle.start_update(
        "suggest", args=[TEXT, "", ANN], wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=str
    )
    await run.handle.signal("abort")
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await sent.result()
    assert "takes no more messages" in str(raised.value.cause)
    assert (await run.result()).verdict is Verdict.ABORTED


async def test_templates_are_told_that_they_need_a_function(start: Start) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")]], on=hold_first(held))
    run = await start(world, model=TEMPLATES)
    await held.began.wait()
    await send_update(run.handle, "suggest", [TEXT, "a.py:f", ANN])
    (request,) = world.requested("find_place")
    assert request.templates
    held.released.set()
    await eventually(run, lambda genealogy: len(genealogy.branches) > 1)
    assert (await run.genealogy()).branches[1].strategy.model == TEMPLATES
    await run.handle.signal("abort")
    await run.result()
