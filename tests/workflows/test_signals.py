"""What people say to a run takes effect also while a model call is going on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hydranet.contracts import ReapRequest, StepRequest
from hydranet.genealogy import Ending, Genealogy, Verdict
from hydranet.policy.constitution import Decision, Effect
from hydranet.strategy import TEMPLATES
from tests.workflows.conftest import Run, Start
from tests.workflows.world import World, failed, passed, strategy


class Held:
    """A callback that holds an activity up until released, and knows when it began and was cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.released = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.began.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def eventually(run: Run, condition: Callable[[Genealogy], object]) -> None:
    """Wait until the run's genealogy fulfils a condition."""
    while not condition(await run.genealogy()):
        await asyncio.sleep(0.05)


async def test_abort_cancels_a_call_that_is_under_way_and_publishes_nothing(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], on={"implement": held}))
    await held.began.wait()
    began = asyncio.get_running_loop().time()
    await run.handle.signal("abort", "Enough.")
    result = await run.result()
    assert asyncio.get_running_loop().time() - began < 5
    assert held.cancelled.is_set()
    assert (result.verdict, result.reason) == (Verdict.ABORTED, "Enough.")
    assert [b.ending for b in (await run.genealogy()).branches] == [Ending.CANCELLED]
    assert run.world.calls["publish_fix"] == 0


async def test_abort_during_the_preparation(start: Start) -> None:
    held = Held()
    run = await start(World(on={"prepare_environment": held}))
    await held.began.wait()
    await run.handle.signal("abort", "")
    assert (await run.result()).verdict is Verdict.ABORTED
    assert held.cancelled.is_set()


async def test_a_cancel_from_the_web_ui_is_an_abort(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], on={"implement": held}))
    await held.began.wait()
    await run.handle.cancel()
    assert (await run.result()).verdict is Verdict.ABORTED
    assert held.cancelled.is_set()


async def test_pause_begins_no_further_step_and_resume_goes_on(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held}))
    await held.began.wait()
    await run.handle.signal("pause")
    await eventually(run, lambda genealogy: "paused" in genealogy.state)
    held.released.set()
    branch = run.client.get_workflow_handle((await run.genealogy()).branches[0].id)
    while (await branch.describe()).raw_description.pending_activities:
        await asyncio.sleep(0.05)
    assert run.world.calls["try_candidates"] == 0
    await run.handle.signal("resume")
    assert (await run.result()).verdict is Verdict.FIXED


async def test_an_override_enters_the_prompts_of_the_next_attempt_and_of_later_branches(start: Start) -> None:
    held = Held()
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [failed("x = 2")], "two": [passed()]},
        on={"implement": held},
    )
    run = await start(world)
    await held.began.wait()
    await run.handle.signal("override", "Look at the parser.")
    await eventually(run, lambda genealogy: genealogy.instructions == ("Look at the parser.",))
    held.released.set()
    await run.result()
    assert world.requested("reflect")[0].instruction == "Look at the parser."
    for step in ("plan", "implement"):
        said = [(request.strategy.title, request.instruction) for request in world.requested(step)]
        assert said[:2] == [("one", ""), ("one", "Look at the parser.")]
        assert ("two", "Look at the parser.") in said


async def test_a_branch_is_reaped_by_hand_in_the_middle_of_a_call(start: Start) -> None:
    held = Held()

    def hold_the_first(request: StepRequest) -> Awaitable[None] | None:
        return held(request) if request.strategy.title == "one" else None

    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"two": [passed()]},
        on={"implement": hold_the_first},
    )
    run = await start(world)
    await held.began.wait()
    await run.handle.signal("reap", ReapRequest(branch=0, evidence="Reaped by hand: no.", by_hand=True))
    assert (await run.result()).verdict is Verdict.FIXED
    branches = (await run.genealogy()).branches
    assert [b.ending for b in branches] == [Ending.REAPED, Ending.PASSED]
    assert branches[0].reason == "Reaped by hand: no."


SUPERVISED = Decision(operation="apply", subject="main", effect=Effect.SUPERVISED, rule="apply")


@pytest.mark.parametrize("why", [{"require_approval": True}, {"decisions": [SUPERVISED]}])
async def test_approval_is_waited_for_and_a_rejected_fix_is_left_behind(start: Start, why: dict[str, Any]) -> None:
    world = World(rounds=[[strategy("one"), strategy("two")]], trials={"one": [passed("a")], "two": [passed("b")]})
    run = await start(world, **why)
    await eventually(run, lambda genealogy: "approval" in genealogy.state)
    assert world.calls["publish_fix"] == 0
    await run.handle.signal("reject")
    await eventually(run, lambda genealogy: "approval" in genealogy.state and len(genealogy.branches) == 2)
    await run.handle.signal("approve")
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert [b.ending for b in genealogy.branches] == [Ending.REFUTED, Ending.PASSED]
    supervised = why.get("decisions", [])
    assert list(genealogy.decisions[:1]) == supervised
    said = [(one.operation, one.subject, one.effect, one.rule) for one in genealogy.decisions[1:]]
    answers = [("apply", "main", Effect.REFUSED, "person"), ("apply", "main", Effect.ALLOWED, "person")]
    assert said == (answers if supervised else [])


async def test_time_in_which_nothing_ran_is_not_in_the_budget(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held}))
    await held.began.wait()
    await run.handle.signal("interrupted", 1000.0)
    held.released.set()
    await run.result()
    assert (await run.genealogy()).seconds < 0


async def test_a_cancel_that_meets_a_completing_step_is_not_lost(start: Start) -> None:
    held = Held()

    async def complete_when_cancelled(request: StepRequest) -> None:
        if request.strategy.title == "one":
            with contextlib.suppress(asyncio.CancelledError):
                await held(request)

    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"two": [passed()]},
        on={"implement": complete_when_cancelled},
    )
    run = await start(world)
    await held.began.wait()
    await run.handle.signal("reap", ReapRequest(branch=1, evidence="Reaped by hand.", by_hand=True))
    await run.result()
    branches = (await run.genealogy()).branches
    assert [(b.ending, len(b.attempts)) for b in branches] == [(Ending.REAPED, 0), (Ending.PASSED, 1)]


async def test_a_first_attempt_that_repeats_a_dead_branch_is_reaped_at_once(start: Start) -> None:
    again = failed("x = 2")
    world = World(
        rounds=[[strategy("one"), strategy("new title"), strategy("wins")]],
        trials={"one": [again], "new title": [again], "wins": [passed()]},
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    branches = (await run.genealogy()).branches
    assert [b.ending for b in branches] == [Ending.REAPED, Ending.REAPED, Ending.PASSED]
    assert (len(branches[1].attempts), branches[1].attempts[0].score.novelty) == (1, True)


async def test_the_first_batch_of_templates_is_not_judged_by_dead_branches(start: Start) -> None:
    near = [failed(f"value = rate * {number}") for number in range(1, 5)]
    first, less_likely = (
        strategy(title).model_copy(update={"model": TEMPLATES, "kind": title}) for title in ("likely", "less likely")
    )
    world = World(
        rounds=[[first, less_likely]], trials={"likely": near[:1], "less likely": near[1:]}, offers={"likely": 1}
    )
    run = await start(world)
    await run.result()
    spent, circling = (await run.genealogy()).branches
    assert (spent.ending, circling.ending) == (Ending.SPENT, Ending.REAPED)
    scores = [attempt.score for attempt in circling.attempts]
    assert [(score.nearest, score.value > 0.75) for score in scores] == [(None, False), (1, False), (2, True)]
