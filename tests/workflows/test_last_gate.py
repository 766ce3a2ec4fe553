"""What becomes of a passing fix at the last gate."""

from hydranet.genealogy import Ending, Verdict
from hydranet.objection import Objection
from tests.workflows.conftest import Start
from tests.workflows.world import TARGET, World, passed, strategy

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
