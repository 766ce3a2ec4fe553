from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import Attempt
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Outcome
from hydranet.lesson import draw_lesson
from hydranet.patches import Edit, Patch
from hydranet.strategy import Strategy

STRATEGY = Strategy(title="Guard it", kind="missing guard", target_files=("a.py",), target_symbols=("f",))
ERROR = ErrorSignature(type="TypeError", file="b.py", function="g")


def attempt(number: int, failing: int, error: ErrorSignature | None = ERROR, file: str = "a.py") -> AttemptRecord:
    facts = Attempt(
        patch=Patch(edits=(Edit(file=file, start=1, added=("x",)),)) if file else Patch(),
        error=error,
        failing_count=failing,
    )
    return AttemptRecord(
        number=number, outcome=Outcome.FAILED, summary=f"guard {number}.", facts=facts, reason="no such line"
    )


def branch(*attempts: AttemptRecord, ending: Ending = Ending.REAPED, reason: str = "it circles") -> BranchRecord:
    return BranchRecord(number=1, id="r/b01", strategy=STRATEGY, attempts=attempts, ending=ending, reason=reason)


def test_a_branch_without_effect_rules_out_its_kind_of_change_in_its_place() -> None:
    learnt = draw_lesson(branch(attempt(1, 3), attempt(2, 3)), 3)
    assert learnt.tried == "2 attempts to a.py: guard 1; guard 2."
    assert learnt.failed == "Each time TypeError in g in b.py; at best 3 of 3 tests still fail."
    assert learnt.rules_out.startswith("Another missing guard in f: the tests do not react")


def test_a_branch_that_helped_rules_out_only_that_it_is_enough() -> None:
    other = ErrorSignature(type="KeyError")
    learnt = draw_lesson(branch(attempt(1, 3), attempt(2, 1, other), attempt(3, 2)), 3)
    assert learnt.failed == "2 of 3 times TypeError in g in b.py; at best 1 of 3 tests still fail."
    assert learnt.rules_out == "Only a missing guard in f: it helps, and something else is wrong too."


def test_without_a_patch_the_reason_is_told_and_nothing_is_ruled_out() -> None:
    learnt = draw_lesson(branch(attempt(1, 0, None, file="")), 3)
    assert learnt.tried == "1 attempt, no usable patch: guard 1."
    assert (learnt.failed, learnt.rules_out) == ("no such line", "")


def test_a_branch_that_never_tried_says_so() -> None:
    learnt = draw_lesson(branch(ending=Ending.SPENT, reason="nothing to offer"), 3)
    assert (learnt.tried, learnt.failed) == ("Nothing: no attempt was made.", "nothing to offer")


def test_a_refuted_fix_is_ruled_out() -> None:
    learnt = draw_lesson(branch(attempt(1, 0, None), ending=Ending.REFUTED, reason="Rejected by hand."), 3)
    assert learnt.rules_out == "The patch that passed: Rejected by hand."
    assert learnt.failed == "At best 0 of 3 tests still fail."


def test_texts_of_any_length_are_clipped() -> None:
    long = attempt(1, 1).model_copy(update={"summary": "s" * 300})
    assert len(draw_lesson(branch(long, long), 1).tried) <= 300
