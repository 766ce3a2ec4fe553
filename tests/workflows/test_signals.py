"""What people and branches signal to a run takes effect also while a model call is going on."""

import asyncio
import contextlib
import time

from hydra_cli.control import send_update
from hydranet.contracts import StepRequest
from hydranet.genealogy import Ending, Verdict
from hydranet.policy.constitution import Decision, Effect
from hydranet.strategy import TEMPLATES
from tests.workflows.conftest import Start, eventually
from tests.workflows.world import Held, World, failed, passed, strategy


async def test_abort_cancels_a_call_that_is_under_way_and_publishes_nothing(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], on={"implement": held}))
    await held.began.wait()
    began = asyncio.get_running_loop().time()
    await run.handle.signal("abort", args=["Enough.", "ann@host"])
    result = await run.result()
    assert asyncio.get_running_loop().time() - began < 5
    assert held.cancelled.is_set()
    assert (result.verdict, result.reason) == (Verdict.ABORTED, "Aborted by ann@host: Enough.")
    assert [b.ending for b in (await run.genealogy()).branches] == [Ending.CANCELLED]
    assert run.world.calls["publish_fix"] == 0


async def test_abort_during_the_preparation(start: Start) -> None:
    held = Held()
    run = await start(World(on={"prepare_environment": held}))
    await held.began.wait()
    await run.handle.signal("abort")
    result = await run.result()
    assert (result.verdict, result.reason) == (Verdict.ABORTED, "Aborted by an unknown sender.")
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
    await eventually(run, lambda genealogy: genealogy.messages)
    held.released.set()
    await run.result()
    assert world.requested("reflect")[0].instruction == "Look at the parser."
    for step in ("plan", "implement"):
        read = [(request.strategy.title, request.instruction) for request in world.requested(step)]
        assert read[:2] == [("one", ""), ("one", "Look at the parser.")]
        assert ("two", "Look at the parser.") in read
    (message,) = (await run.genealogy()).messages
    assert (message.kind, message.sender, message.text) == ("override", "", "Look at the parser.")
    assert "override by an unknown sender after" in message.sentence


SECRET = Decision(
    operation="disclose", subject="a.py:3 (AWS Access Key)", effect=Effect.SUPERVISED, rule="possible-secret"
)
REFUSED = Decision(operation="write", subject="ci.yml", effect=Effect.REFUSED, rule="no-ci", reason="It is ours.")


async def test_what_the_constitution_says_of_a_fix_is_waited_for_and_carried_to_its_publication(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed("a")]}, reviews=[(SECRET,)])
    run = await start(world)
    await eventually(run, lambda genealogy: "rule possible-secret: disclose a.py:3" in genealogy.state)
    assert world.calls["publish_fix"] == 0
    await send_update(run.handle, "approve", ["ann@laptop"])
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.requested("publish_fix")[0].approved == (SECRET,)
    decided = [(decision.operation, decision.effect, decision.rule) for decision in (await run.genealogy()).decisions]
    expected = [("disclose", Effect.SUPERVISED, "possible-secret"), ("disclose", Effect.ALLOWED, "person")]
    assert decided == expected


async def test_a_fix_that_the_constitution_refuses_is_left_behind_without_a_question(start: Start) -> None:
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [passed("a")], "two": [passed("b")]},
        reviews=[(REFUSED, SECRET)],
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    genealogy = await run.genealogy()
    assert [b.ending for b in genealogy.branches] == [Ending.REFUTED, Ending.PASSED]
    assert "rule no-ci: write ci.yml is refused: It is ours." in genealogy.branches[0].reason
    assert world.requested("publish_fix")[0].approved == ()


async def test_time_in_which_nothing_ran_is_not_in_the_budget(start: Start) -> None:
    held = Held()
    run = await start(World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"implement": held}))
    await held.began.wait()
    signalled = time.monotonic()
    await run.handle.signal("interrupted", 1000.0)
    held.released.set()
    await run.result()
    assert 0 < (await run.genealogy()).seconds < time.monotonic() - signalled


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
    await send_update(run.handle, "reap", [1, "", "ann@host"])
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
