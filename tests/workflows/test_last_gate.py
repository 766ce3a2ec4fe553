"""What becomes of a passing fix at the last gate."""

import pytest

from hydranet.contracts import Formatting, TestReport
from hydranet.errors import FatalError, TransientError
from hydranet.genealogy import Ending, Verdict
from hydranet.objection import Objection
from hydranet.strategy import TEMPLATES
from tests.workflows.conftest import Start
from tests.workflows.world import NOTHING, TARGET, World, passed, report, strategy

REFUSAL = Objection(rule="special-case", file="a.py", line=7, text="It knows 17.", refuses=True)
NOTE = Objection(rule="disabled", file="b.py", text="It is gone.")


async def test_a_fix_that_the_reviewer_refuses_is_refuted_and_what_it_notes_is_told(start: Start) -> None:
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [passed("first")], "two": [passed("second")]},
        objections=[(REFUSAL, NOTE), (NOTE,)],
    )
    run = await start(world, parallel_branches=1)
    result = await run.result()
    genealogy = await run.genealogy()
    refuted, fixed = genealogy.branches
    assert result.verdict is Verdict.FIXED
    assert (refuted.ending, fixed.ending) == (Ending.REFUTED, Ending.PASSED)
    assert refuted.reason == "The reviewer refuses it: rule special-case: a.py:7: It knows 17."
    assert [(each.rule, each.branch) for each in genealogy.objections] == [
        ("disabled", 2),
        ("special-case", 1),
        ("disabled", 1),
    ]
    (publication,) = world.requested("publish_fix")
    assert publication.message.endswith("\n\nThe reviewer noted: rule disabled: b.py: It is gone.")
    assert all(request.tests == TARGET and request.issue for request in world.requested("review_fix"))


async def test_what_a_model_notes_of_a_fix_is_told_and_refuses_nothing(start: Start) -> None:
    said = Objection(rule="critique-regression", file="a.py", text="f(0) fails. (said by big)", refuses=True)
    world = World(
        rounds=[[strategy("one")]], trials={"one": [passed()]}, objections=[(NOTE,)], critique=(said,), tokens=7
    )
    run = await start(world, model="small", supervisor_model="big")
    assert (await run.result()).verdict is Verdict.FIXED
    (asked,) = world.requested("criticise")
    assert (asked.work.model, asked.branch) == ("big", 1)
    genealogy = await run.genealogy()
    assert [each.rule for each in genealogy.objections] == ["critique-regression", "disabled"]
    assert genealogy.usage.prompt_tokens % 7 == 0
    (published,) = world.requested("publish_fix")
    assert published.message.endswith("\nThe reviewer noted: rule critique-regression: a.py: f(0) fails. (said by big)")


@pytest.mark.parametrize(
    ("model", "error", "calls"),
    [
        (TEMPLATES, None, 0),
        ("gone", FatalError("There is no such model."), 1),
        ("away", TransientError("No answer."), 2),
    ],
)
async def test_a_fix_is_published_without_a_critique_where_no_model_gives_one(
    start: Start, model: str, error: Exception | None, calls: int
) -> None:
    def fail(_request: object) -> None:
        assert error is not None
        raise error

    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, on={"criticise": fail})
    run = await start(world, model=model)
    assert (await run.result()).verdict is Verdict.FIXED
    assert world.calls["criticise"] == calls


@pytest.mark.parametrize("verifications", [[report()], [report("t1"), report()]], ids=["passes", "fails"])
async def test_a_fix_is_published_formatted_unless_its_tests_then_fail(
    start: Start, verifications: list[TestReport]
) -> None:
    world = World(
        rounds=[[strategy("one")]],
        trials={"one": [passed()]},
        formatters=("black",),
        formatting=Formatting(diff=NOTHING, formatters=("black",)),
        verifications=list(verifications),
    )
    run = await start(world)
    assert (await run.result()).verdict is Verdict.FIXED
    formatted = world.requested("commit_checkpoint")[-1]
    (asked,), (published,) = world.requested("format_fix"), world.requested("publish_fix")
    (attempt,) = (await run.genealogy()).branches[0].attempts
    assert asked.checkpoint == formatted.parent
    assert formatted.parent.commit == attempt.checkpoint
    assert (published.fix.commit == attempt.checkpoint) == (len(verifications) > 1)
    assert ("formatted by black" in published.message) == (len(verifications) == 1)
    assert any("taken back" in note for note in (await run.genealogy()).test_notes) == (len(verifications) > 1)


async def test_a_fix_that_is_as_its_formatter_wants_it_is_published_as_it_is(start: Start) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [passed()]}, formatters=("ruff",))
    assert (await (await start(world)).result()).verdict is Verdict.FIXED
    assert (world.calls["format_fix"], world.calls["commit_checkpoint"]) == (1, 1)
