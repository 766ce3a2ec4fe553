from hydranet.genealogy import AttemptRecord, Ending, Genealogy, Outcome
from hydranet.report.advice import give_advice
from hydranet.report.obstacle import ObstacleKind, describe_exhaustion, find_obstacle
from tests.unit.report.story import attempt, branch, run

TARGET = ("t.py::one", "t.py::two", "t.py::three")


def leaving(number: int, *failing: str) -> AttemptRecord:
    record = attempt(number, len(failing))
    return record.model_copy(update={"facts": record.facts.model_copy(update={"failing_tests": failing})})


def rejected(number: int, outcome: Outcome, reason: str) -> AttemptRecord:
    record = attempt(number, 0)
    return record.model_copy(update={"outcome": outcome, "reason": reason})


def sentence(genealogy: Genealogy) -> str:
    return describe_exhaustion(genealogy, "The run used 2 of 2 branches, its branch budget.")


def test_the_tests_that_the_closest_attempt_left_failing_are_named() -> None:
    genealogy = run(branch(1, leaving(1, *TARGET)), branch(2, leaving(1, *TARGET[1:])), target_tests=TARGET)
    assert sentence(genealogy) == (
        "The closest attempt, b02 attempt 1, left 2 tests failing (of 3 at the base) with TypeError: "
        "t.py::two and t.py::three. The run used 2 of 2 branches, its branch budget."
    )


def test_an_attempt_that_breaks_other_tests_is_told_before_one_that_mends_nothing() -> None:
    genealogy = run(branch(1, leaving(1, "t.py::one"), leaving(2, "u.py::a", "u.py::b")), target_tests=TARGET)
    obstacle = find_obstacle(genealogy)
    assert obstacle is not None
    assert (obstacle.kind, obstacle.attempt) == (ObstacleKind.BROKE, 2)
    assert "made the target pass and broke u.py::a and u.py::b" in obstacle.sentence
    assert give_advice(genealogy)[0].command == "git show refs/hydra/fix-shop-1a2b3c4d/b01/attempt-002"


def test_refusals_are_told_with_their_commonest_reason_and_more_branches_are_no_way_around() -> None:
    protected = "The patch changes price.py, which belongs to the tests."
    refused = [rejected(number, Outcome.REFUSED, protected) for number in (1, 2)]
    genealogy = run(branch(1, *refused, rejected(3, Outcome.NO_PATCH, "Nothing was offered.")), target_tests=TARGET)
    genealogy = genealogy.model_copy(update={"budget": genealogy.budget.model_copy(update={"branches": 1})})
    assert sentence(genealogy).startswith(f"2 of 3 attempts brought changes that are refused: {protected}")
    advice = give_advice(genealogy)
    assert protected in advice[0].text
    assert not any("--budget-branches" in item.command for item in advice)


def test_answers_without_a_patch_are_told() -> None:
    genealogy = run(branch(1, rejected(1, Outcome.NO_PATCH, "The answer holds no code.")), target_tests=TARGET)
    assert sentence(genealogy).startswith("1 of 1 attempt brought no usable patch: The answer holds no code.")


def test_a_fix_that_was_refuted_is_the_obstacle() -> None:
    refuted = branch(2, leaving(1), ending=Ending.REFUTED, reason="Verification on a clean checkout failed: 1 of 9.")
    assert sentence(run(branch(1, leaving(1, *TARGET)), refuted)).startswith(
        "b02 passed the tests and is no fix: Verification on a clean checkout failed: 1 of 9."
    )


def test_a_run_that_tried_nothing_ends_with_its_limit() -> None:
    assert sentence(run()) == "The run used 2 of 2 branches, its branch budget."
