import pytest

from hydranet.budget import Budget, Usage
from hydranet.genealogy import Ending, Verdict
from hydranet.report.savings import estimate_savings
from tests.unit.report.story import attempt, branch, fixed, run


def test_what_reaped_branches_left_unspent_at_their_own_average() -> None:
    saved = estimate_savings(fixed())
    first, second = saved.branches
    # 3 attempts of 8 in 30 s and 3,000 tokens; 2 attempts of 8 in 20 s and 2,000 tokens.
    assert (first.left, first.tokens, first.seconds) == (5, 5000, 50.0)
    assert (second.left, second.tokens, second.seconds) == (6, 6000, 60.0)
    assert (saved.attempts, saved.tokens, saved.seconds) == (11, 11_000, 110.0)
    assert saved.compared == ("That is 11 % of the 100,000 tokens and 18 % of the 10 min that the run was given.",)


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending is not Ending.REAPED])
def test_only_reaped_branches_count(ending: Ending) -> None:
    assert estimate_savings(run(branch(1, attempt(1, score=0.9), ending=ending))).branches == ()


def test_a_branch_that_a_person_reaped_does_not_count() -> None:
    assert estimate_savings(run(branch(1, attempt(1, score=0.75)), branch(2))).branches == ()


def test_a_branch_reaped_at_its_last_attempt_saved_nothing() -> None:
    saved = estimate_savings(run(branch(1, *(attempt(n, score=0.9, after=9.0) for n in range(1, 9)))))
    assert (saved.attempts, saved.tokens, saved.seconds, saved.compared) == (0, 0, 0.0, ())


def test_it_says_when_the_run_would_have_met_its_limit_without_the_reaper() -> None:
    tight = fixed().model_copy(update={"budget": Budget(tokens=16_000, seconds=600)})
    assert (
        estimate_savings(tight)
        .compared[1]
        .endswith("more than its token budget: without the Reaper it would have ended before a branch passed.")
    )
    unclear = tight.model_copy(update={"verdict": Verdict.AMBIGUOUS})
    assert estimate_savings(unclear).compared == estimate_savings(tight).compared
    tight = tight.model_copy(update={"budget": Budget(tokens=16_000, seconds=150), "verdict": Verdict.EXHAUSTED})
    assert (
        estimate_savings(tight)
        .compared[1]
        .endswith("more than its token and time budget: without the Reaper it would have ended after fewer strategies.")
    )


def test_seconds_of_branches_that_raced_are_not_held_against_the_clock() -> None:
    racing = fixed().branches[:2]
    racing = (racing[0], racing[1].model_copy(update={"began": 11.0}))
    assert len(estimate_savings(run(*racing, budget=Budget(seconds=70, tokens=0))).compared) == 1


def test_a_run_without_tokens_or_a_token_limit_is_compared_by_time() -> None:
    reaped = branch(1, attempt(1, score=0.9, tokens=0, after=6.0))
    assert estimate_savings(run(reaped)).compared == ("That is 7 % of the 10 min that the run was given.",)
    unlimited = run(branch(1, attempt(1, score=0.9, after=6.0)), budget=Budget(tokens=0), usage=Usage())
    assert estimate_savings(unlimited).compared == ("That is 1 % of the 1 h that the run was given.",)
