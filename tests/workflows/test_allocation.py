"""Each next draw goes where it is worth most; a branch that is left for another is suspended and may be taken up."""

from collections import Counter
from typing import Any

import pytest

from hydranet.allocation import Draws, SkillRecord
from hydranet.budget import Budget
from hydranet.contracts import ImplementAnswer, Place
from hydranet.genealogy import Ending, Verdict
from hydranet.strategy import TEMPLATES, Strategy
from tests.workflows.conftest import Run, Start, eventually
from tests.workflows.world import Held, World, failed, passed

NOTHING_NEW = ImplementAnswer(draws=Draws(unchanged=4), reason="4 answers: 4 changed nothing.")


def place(name: str, probability: float) -> Place:
    return Place(file="a.py", symbol=name, first_line=1, last_line=20, probability=probability)


def at(name: str, kind: str = "rewrite", **more: Any) -> Strategy:
    """Return a strategy named after the place that it aims at."""
    return Strategy(title=name, kind=kind, target_files=("a.py",), target_symbols=(name,), **more)


PLACES = (place("first", 0.4), place("second", 0.3), place("third", 0.1))


async def list_drawn(run: Run) -> list[str]:
    """Return the titles of the strategies in the order of their attempts."""
    return [request.strategy.title for request in run.world.requested("implement")]


async def test_the_likeliest_place_comes_first_whatever_the_order_of_the_strategies(start: Start) -> None:
    world = World(rounds=[[at("third"), at("first"), at("second")]], places=PLACES, trials={"first": [passed()]})
    run = await start(world, allocation="value")
    assert (await run.result()).verdict is Verdict.FIXED
    assert await list_drawn(run) == ["first"]


async def test_a_branch_whose_answers_change_nothing_is_left_and_taken_up_again(start: Start) -> None:
    world = World(
        rounds=[[at("first"), at("second")]],
        places=PLACES[:2],
        trials={"first": [NOTHING_NEW, passed()], "second": [NOTHING_NEW, NOTHING_NEW, NOTHING_NEW]},
    )
    held = Held()

    def hold_the_second(request: Any) -> Any:
        return held(request) if request.strategy.title == "second" else None

    world.on["implement"] = hold_the_second
    run = await start(world, allocation="value")
    await held.began.wait()
    first = (await run.genealogy()).branches[0]
    assert first.ending is Ending.SUSPENDED
    assert "fixes per million tokens" in first.reason
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED
    assert (await list_drawn(run))[:2] == ["first", "second"]
    genealogy = await run.genealogy()
    assert [branch.ending for branch in genealogy.branches] == [Ending.PASSED, Ending.CANCELLED]
    assert len(genealogy.branches[0].attempts) == 2, "it goes on under its own number"
    assert genealogy.branches[0].draws.unchanged == 4
    left = genealogy.branches[0].suspensions[0]
    assert left.reason == first.reason, "the record says when and why it was left, for a replay"
    assert genealogy.branches[0].attempts[0].after <= left.began <= left.ended


async def test_suspended_branches_are_spent_when_the_run_is(start: Start) -> None:
    world = World(rounds=[[at("first"), at("second")]], places=PLACES[:2], tokens=1000)
    run = await start(world, allocation="value", budget=Budget(tokens=7000))
    result = await run.result()
    assert result.verdict is Verdict.EXHAUSTED
    genealogy = await run.genealogy()
    assert {branch.ending for branch in genealogy.branches} <= {Ending.SPENT, Ending.REAPED}
    assert all(branch.reason for branch in genealogy.branches)


async def test_templates_and_a_model_are_weighed_against_each_other(start: Start) -> None:
    def propose(request: Any) -> None:
        world.rounds = [*world.rounds, offered[request.work.model]]

    offered = {TEMPLATES: [at("first", "wrong expression", model=TEMPLATES, skill=0.1)], "fake-1.5b": [at("first")]}
    world = World(places=PLACES, on={"propose_strategies": propose}, trials={"first": [failed("x"), passed()]})
    run = await start(world, allocation="value", model="fake-1.5b", templates_first=True)
    assert (await run.result()).verdict is Verdict.FIXED
    branches = (await run.genealogy()).branches
    assert branches[0].strategy.model == TEMPLATES, "seconds are cheaper than tokens"
    assert {branch.strategy.kind for branch in branches} <= {"wrong expression", "rewrite"}


async def test_the_same_place_is_open_to_a_model_after_templates(start: Start) -> None:
    def propose(request: Any) -> None:
        world.rounds = [*world.rounds, offered.pop(request.work.model, [])]

    offered = {TEMPLATES: [at("first", "wrong expression", model=TEMPLATES)], "fake-7b": [at("first"), at("third")]}
    nothing = ImplementAnswer(exhausted=True, reason="All candidates were tried.")
    world = World(places=PLACES, on={"propose_strategies": propose})

    def answer(request: Any) -> None:
        world.trials = {"first": [nothing if request.strategy.model == TEMPLATES else passed()]}

    world.on["implement"] = answer
    run = await start(world, allocation="value", model="fake-7b", templates_first=True)
    assert (await run.result()).verdict is Verdict.FIXED
    branches = (await run.genealogy()).branches
    assert [(branch.strategy.title, branch.ending) for branch in branches] == [
        ("first", Ending.SPENT),
        ("first", Ending.PASSED),
    ]


async def test_a_place_that_a_person_names_comes_next(start: Start) -> None:
    held = Held()

    def hold_the_first(request: Any) -> Any:
        return held(request) if request.strategy.title == "first" else None

    world = World(
        rounds=[[at("first"), at("second"), at("third")]],
        places=PLACES,
        trials={"first": [NOTHING_NEW], "third": [passed()]},
        on={"implement": hold_the_first},
    )
    run = await start(world, allocation="value")
    await held.began.wait()
    await run.handle.execute_update("override", args=["Look at `third`.", "ann@host"])
    held.released.set()
    assert (await run.result()).verdict is Verdict.FIXED
    assert await list_drawn(run) == ["first", "third"]


async def test_the_record_of_a_model_is_read_and_added_to(start: Start) -> None:
    able = SkillRecord(model="fake-1.5b", form="implement", passed=90, failed=10.0)
    world = World(
        rounds=[[at("first"), at("second")]],
        places=PLACES[:2],
        skills=[able],
        trials={"first": [NOTHING_NEW], "second": [passed()]},
    )
    run = await start(world, allocation="value", model="fake-1.5b")
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.requested("read_skills") == ["fake-1.5b"]
    (skills,) = world.requested("record_skills")
    assert skills.run_id == run.handle.id
    assert [(record.model, record.passed) for record in skills.records] == [("fake-1.5b", 0), ("fake-1.5b", 1)]
    assert skills.records[0].failed == 0, "the fix was elsewhere"


async def test_a_suspended_branch_can_be_reaped_by_hand(start: Start) -> None:
    held = Held()

    def hold_the_second(request: Any) -> Any:
        return held(request) if request.strategy.title == "second" else None

    world = World(
        rounds=[[at("first"), at("second")]],
        places=PLACES[:2],
        trials={"first": [NOTHING_NEW]},
        on={"implement": hold_the_second},
    )
    run = await start(world, allocation="value")
    await held.began.wait()
    assert await run.handle.execute_update("reap", args=[1, "", "ann@host"]) == "b01 is reaped."
    assert (await run.genealogy()).branches[0].ending is Ending.REAPED
    await run.handle.signal("abort")
    assert (await run.result()).verdict is Verdict.ABORTED


async def test_branches_side_by_side_draw_at_different_places(start: Start) -> None:
    first, second = Held(), Held()
    world = World(
        rounds=[[at("first"), at("second"), at("third")]],
        places=PLACES,
        on={"implement": lambda request: {"first": first, "second": second}[request.strategy.title](request)},
    )
    run = await start(world, allocation="value", parallel_branches=2)
    await first.began.wait()
    await second.began.wait()
    assert [branch.ending for branch in (await run.genealogy()).branches] == [Ending.RUNNING, Ending.RUNNING]
    await run.handle.signal("abort")
    assert (await run.result()).verdict is Verdict.ABORTED


async def test_a_pause_holds_back_the_next_draw(start: Start) -> None:
    held = Held()
    world = World(rounds=[[at("first"), at("second")]], places=PLACES[:2], on={"try_candidates": held})
    run = await start(world, allocation="value")
    await held.began.wait()
    await run.handle.signal("pause")
    await eventually(run, lambda genealogy: "paused" in genealogy.state)
    held.released.set()
    await eventually(run, lambda genealogy: genealogy.attempts == 1)
    assert world.calls["implement"] == 1
    await run.handle.signal("resume")
    await eventually(run, lambda genealogy: genealogy.attempts >= 2)
    await run.handle.signal("abort")
    await run.result()


@pytest.mark.parametrize("allocation", ["value", "order"])
async def test_the_budget_of_branches_counts_those_that_were_started(start: Start, allocation: str) -> None:
    names = [f"place_{number}" for number in range(6)]
    world = World(
        rounds=[[at(name) for name in names]],
        places=[place(name, 0.1) for name in names],
        trials={name: [NOTHING_NEW] for name in names},
    )
    run = await start(world, allocation=allocation, budget=Budget(branches=3, attempts_per_branch=2))
    assert (await run.result()).verdict is Verdict.EXHAUSTED
    drawn = Counter(await list_drawn(run))
    assert drawn == Counter(dict.fromkeys(names[:3], 2))
    assert len((await run.genealogy()).branches) == 3


async def test_templates_leave_a_model_its_branches(start: Start) -> None:
    def propose(request: Any) -> None:
        world.rounds = [*world.rounds, offered.pop(request.work.model, [])]

    names = [f"place_{number}" for number in range(6)]
    offered = {
        TEMPLATES: [at(name, "wrong expression", model=TEMPLATES, skill=0.2) for name in names],
        "fake-1.5b": [at(name) for name in names],
    }
    world = World(
        places=[place(name, 0.1) for name in names],
        on={"propose_strategies": propose},
        trials={name: [NOTHING_NEW] for name in names},
    )
    limits = Budget(branches=3, attempts_per_branch=1)
    run = await start(world, allocation="value", model="fake-1.5b", templates_first=True, budget=limits)
    result = await run.result()
    assert "3 of 3 branches" in result.reason
    models = [branch.strategy.model for branch in (await run.genealogy()).branches]
    assert models == [TEMPLATES] * 3 + [""] * 3


@pytest.mark.parametrize("by", [TEMPLATES, ""])
async def test_templates_build_on_a_model_that_helps_some_tests_but_not_on_templates(start: Start, by: str) -> None:
    """Of many single edits some make a few tests pass by accident."""
    partial = at("first", "one", model=by)
    later = [at("second", "two", model=TEMPLATES, skill=0.05), at("third", "three")]

    def propose(request: Any) -> None:
        world.rounds = [*world.rounds, offered.pop(request.work.model, [])]

    mine = [plan for plan in later if plan.model == TEMPLATES]
    offered = {
        TEMPLATES: [partial, *mine] if by else mine,
        "fake-1.5b": [later[1]] if by else [partial, later[1]],
    }
    world = World(
        places=(place("first", 0.9), place("second", 0.05), place("third", 0.04)),
        on={"propose_strategies": propose},
        trials={
            "first": [failed("x = 2", "t1", "t2"), NOTHING_NEW],
            "second": [failed("y = 2")],
            "third": [NOTHING_NEW, passed()],
        },
    )
    budget = Budget(attempts_per_branch=2)
    run = await start(world, allocation="value", model="fake-1.5b", templates_first=True, budget=budget)
    await run.result()
    starts = {branch.strategy.title: branch.start for branch in (await run.genealogy()).branches}
    assert starts["first"] == "base"
    after = {title: commit for title, commit in starts.items() if title != "first"}
    assert after["third"].startswith("c-"), "models build on both"
    assert after["second"].startswith("base" if by else "c-")
