"""The lines that a pipe or a log gets of a run."""

from hydra_cli.follow import list_changes
from hydranet.convergence.score import Attempt, Score
from hydranet.genealogy import (
    AttemptRecord,
    BranchRecord,
    Ending,
    Genealogy,
    KnownFailure,
    Outcome,
    Reproduction,
    Verdict,
)
from hydranet.question import Comparison
from hydranet.strategy import Strategy

RUN = Genealogy(run_id="run", repository_name="shop", title="It breaks", threshold=0.75)
TARGET = RUN.model_copy(
    update={"target_tests": ("test_a", "test_b"), "target_count": 2, "state": "looking for the cause"}
)


def attempt(number: int, convergence: float = 0.0, outcome: Outcome = Outcome.FAILED) -> AttemptRecord:
    return AttemptRecord(
        number=number,
        summary="a → b",
        outcome=outcome,
        score=Score(value=convergence),
        facts=Attempt(failing_count=2),
        candidates=90,
        seconds=3.5,
    )


def branch(number: int, *attempts: AttemptRecord, ending: Ending = Ending.RUNNING, reason: str = "") -> BranchRecord:
    strategy = Strategy(title=f"Strategy {number}")
    return BranchRecord(
        number=number, id=f"run/b{number}", strategy=strategy, attempts=attempts, ending=ending, reason=reason
    )


def lines_of(before: Genealogy | None, *branches: BranchRecord) -> list[str]:
    return list(list_changes(before, TARGET.model_copy(update={"branches": branches})))


def test_the_failing_tests_come_before_what_is_done_about_them() -> None:
    assert list(list_changes(RUN, TARGET)) == [
        "2 tests fail at the base commit: test_a and test_b",
        "looking for the cause",
    ]
    assert list(list_changes(TARGET, TARGET)) == []


def test_each_drafted_test_is_told_with_its_code() -> None:
    written = "tests/test_new.py, which a model drafted of the issue"
    first, second = (
        TARGET.model_copy(update={"written_tests": written, "reproduction": Reproduction(code=code)})
        for code in ("assert f(1)", "assert f(2)")
    )
    assert list(list_changes(TARGET, first)) == [f"test written by the run: {written}", "assert f(1)"]
    assert list(list_changes(first, second)) == ["assert f(2)"]


def test_what_was_cut_or_left_out_of_a_test_run_is_told_once() -> None:
    noted = TARGET.model_copy(update={"test_notes": ("cut",)})
    assert list(list_changes(TARGET, noted)) == ["tests: cut"]
    more = noted.model_copy(update={"test_notes": ("cut", "left out")})
    assert list(list_changes(noted, more)) == ["tests: left out"]


def test_known_failures_are_told_with_their_causes() -> None:
    network = "it needs the network"
    failures = [("test_c", network), ("test_d", "the package x is not installed"), ("test_e", network)]
    known = tuple(KnownFailure(test=test, cause=cause) for test, cause in failures)
    after = TARGET.model_copy(update={"known_failures": known, "known_count": 5})
    assert list(list_changes(TARGET, after)) == [
        "known failures, left as they are: test_c and test_e (it needs the network); "
        "test_d (the package x is not installed); 2 more"
    ]


def test_how_candidates_compare_is_told_once_and_an_ambiguous_end_says_how_many_fixes_there_are() -> None:
    compared = TARGET.model_copy(update={"comparison": Comparison(candidates=5, behaviours=3, calls=34)})
    assert list(list_changes(TARGET, compared)) == [
        "compared: 5 candidates passed all tests, and behave in 3 ways in 34 calls."
    ]
    ended = compared.model_copy(update={"verdict": Verdict.AMBIGUOUS, "reason": "b01"})
    assert list(list_changes(compared, ended)) == ["ambiguous (3 fixes the tests cannot tell apart): b01"]


def test_an_attempt_is_told_with_its_score_beside_the_threshold() -> None:
    assert lines_of(TARGET, branch(1, attempt(1), attempt(2, 0.97))) == [
        "b01 started: Strategy 1",
        "b01 attempt 1: 2 tests fail (2 at the base), convergence 0.00 ≤ 0.75, best of 90 candidates, 3.5 s: a → b",
        "b01 attempt 2: 2 tests fail (2 at the base), convergence 0.97 > 0.75, best of 90 candidates, 3.5 s: a → b",
    ]


def test_why_a_branch_was_reaped_is_told_in_words_and_what_follows() -> None:
    circling = (attempt(1), attempt(2, 0.72), attempt(3, 0.97))
    before = TARGET.model_copy(update={"branches": (branch(1, *circling),)})
    dead = branch(1, *circling, ending=Ending.REAPED, reason="The patch is nearly that of attempt 1.")
    assert lines_of(before, dead, branch(2)) == [
        "b01 REAPED, it circles: The patch is nearly that of attempt 1.",
        "b02 started, a different strategy: Strategy 2",
    ]
    by_hand = branch(1, attempt(1), ending=Ending.REAPED, reason="Reaped by hand: no.")
    assert lines_of(before, by_hand)[-1] == "b01 REAPED: Reaped by hand: no."


def test_other_ends() -> None:
    before = TARGET.model_copy(update={"branches": (branch(1, attempt(1)), branch(2))})
    spent = branch(1, attempt(1), ending=Ending.SPENT, reason="All candidates were tried.")
    passed = branch(2, attempt(1, outcome=Outcome.PASSED), ending=Ending.PASSED, reason="a → b")
    assert lines_of(before, spent, passed) == [
        "b01 spent: All candidates were tried.",
        "b02 attempt 1: all tests pass, convergence 0.00 ≤ 0.75, best of 90 candidates, 3.5 s: a → b",
        "b02 passed, on a clean checkout too",
    ]


def test_what_two_branches_did_is_told_in_order_of_time() -> None:
    left = branch(1, attempt(1), ending=Ending.SUSPENDED, reason="worth less").model_copy(update={"ended": 4.0})
    second = branch(2).model_copy(update={"began": 4.0})
    before = TARGET.model_copy(update={"branches": (left, second)})
    later = [one.model_copy(update={"after": after}) for one, after in ((attempt(1), 8.0), (attempt(2), 12.0))]
    first_again = branch(1, attempt(1), later[1])
    second_left = branch(2, later[0], ending=Ending.SUSPENDED, reason="worth less too")
    told = lines_of(before, first_again, second_left.model_copy(update={"began": 4.0, "ended": 8.1}))
    assert [line.partition(":")[0] for line in told] == [
        "b02 attempt 1",
        "b02 suspended",
        "b01 goes on",
        "b01 attempt 2",
    ]


def test_a_branch_that_is_left_again_at_once_is_told_to_have_gone_on() -> None:
    left = branch(1, attempt(1), ending=Ending.SUSPENDED, reason="worth less")
    again = branch(1, attempt(1), attempt(2), ending=Ending.SUSPENDED, reason="worth less")
    before = TARGET.model_copy(update={"branches": (left,)})
    assert [line.partition(":")[0] for line in lines_of(before, again)] == [
        "b01 goes on",
        "b01 attempt 2",
        "b01 suspended",
    ]
