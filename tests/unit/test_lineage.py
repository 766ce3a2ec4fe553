"""Which attempt was made on top of which, and how an attempt is named."""

import pytest

from hydranet.convergence.score import Attempt
from hydranet.errors import UsageError
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.lineage import AttemptKey, choose_attempt, list_lineage, parse_attempt
from hydranet.strategy import TEMPLATES, Strategy


def attempt(number: int, commit: str, *failing: str) -> AttemptRecord:
    outcome = Outcome.FAILED if failing else Outcome.PASSED
    facts = Attempt(failing_tests=failing, failing_count=len(failing))
    return AttemptRecord(number=number, outcome=outcome, checkpoint=commit, facts=facts, after=number)


def branch(number: int, start: str, *attempts: AttemptRecord, model: str = "") -> BranchRecord:
    strategy = Strategy(title=f"s{number}", model=model)
    return BranchRecord(number=number, id=f"r/b{number}", strategy=strategy, start=start, attempts=attempts)


def run(*branches: BranchRecord) -> Genealogy:
    return Genealogy(
        run_id="r",
        repository_name="shop",
        title="t",
        target_tests=("a", "b", "c"),
        target_count=3,
        branches=branches,
    )


FIRST = branch(1, "base", attempt(1, "c1", "a", "b", "c"), attempt(2, "c2", "a", "b"), attempt(3, "c3", "a", "new"))


@pytest.mark.parametrize(
    ("name", "key"), [("b02/3", (2, 3)), ("2/3", (2, 3)), ("b02/attempt-003", (2, 3)), ("b10/12", (10, 12))]
)
def test_an_attempt_is_named_by_its_branch_and_number(name: str, key: tuple[int, int]) -> None:
    assert parse_attempt(name) == key


@pytest.mark.parametrize("name", ["", "b02", "3", "b02/", "b02/x", "/3", "b2/3/4", "b99999/1", "b02/3\n"])
def test_what_names_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="such as b02/3"):
        parse_attempt(name)


def test_a_branch_goes_on_from_its_best_attempt() -> None:
    last = attempt(4, "c4", "a")
    genealogy = run(FIRST.model_copy(update={"attempts": (*FIRST.attempts, last)}))
    assert list_lineage(genealogy, AttemptKey(1, 1)) == [(1, 1)]
    assert list_lineage(genealogy, AttemptKey(1, 2)) == [(1, 2)], "the first made nothing better"
    assert list_lineage(genealogy, AttemptKey(1, 3)) == [(1, 2), (1, 3)]
    assert list_lineage(genealogy, AttemptKey(1, 4)) == [(1, 2), (1, 4)], "the third breaks another test"


def test_a_branch_may_begin_where_another_came_to() -> None:
    second = branch(2, "c2", attempt(1, "d1", "a"), attempt(2, "d2"))
    templates = branch(3, "c2", attempt(1, "e1", "a"), attempt(2, "e2"), model=TEMPLATES)
    genealogy = run(FIRST, second, templates)
    assert list_lineage(genealogy, AttemptKey(2, 2)) == [(1, 2), (2, 1), (2, 2)]
    assert list_lineage(genealogy, AttemptKey(3, 2)) == [(1, 2), (3, 2)], "single edits do not build on each other"


def test_the_chosen_one_passes_or_is_the_best() -> None:
    assert choose_attempt(run(FIRST)) == (1, 3)
    passing = branch(2, "base", attempt(1, "d1"))
    refuted = branch(3, "base", attempt(7, "e7")).model_copy(update={"ending": Ending.REFUTED})
    won = passing.model_copy(update={"ending": Ending.PASSED})
    assert choose_attempt(run(FIRST, passing)) == (2, 1)
    assert choose_attempt(run(FIRST, won, refuted)) == (2, 1)
    with pytest.raises(UsageError, match="no attempt with a patch yet"):
        choose_attempt(run())


def test_what_is_not_there_is_refused_in_a_sentence() -> None:
    nothing = AttemptRecord(number=1, outcome=Outcome.NO_PATCH, reason="The model answered nothing.")
    genealogy = run(FIRST, branch(2, "base", nothing), branch(3, "base"))
    for key, sentence in {
        (9, 1): "The run has no branch 9: its last branch is b03.",
        (1, 9): "There is no attempt b01/9: its last attempt is b01/3.",
        (3, 1): "There is no attempt b03/1: no attempt has been made yet.",
        (2, 1): "b02/1 made no patch: The model answered nothing.",
    }.items():
        with pytest.raises(UsageError) as refused:
            list_lineage(genealogy, AttemptKey(*key))
        assert str(refused.value) == sentence
