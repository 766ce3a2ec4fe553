import pytest

from hydranet.budget import Budget, Usage
from hydranet.genealogy import Ending, Genealogy, Verdict
from hydranet.report.advice import Closest, find_closest, give_advice
from tests.unit.report.story import ambiguous, attempt, branch, run


def commands(genealogy: Genealogy) -> list[str]:
    return [advice.command for advice in give_advice(genealogy)]


def test_the_closest_attempt_leaves_the_fewest_of_the_target_tests() -> None:
    branches = branch(1, attempt(1, 3), attempt(2, 2)), branch(2, attempt(1, 1), attempt(2, 1))
    assert find_closest(run(*branches)) == Closest(branch=2, attempt=1, failing=1)
    assert find_closest(run(branch(1, attempt(1, 3), attempt(2, 0)))) is None


def test_an_attempt_that_breaks_another_test_is_not_close() -> None:
    broke = attempt(1, 1)
    broke = broke.model_copy(update={"facts": broke.facts.model_copy(update={"failing_tests": ("t::other",)})})
    assert find_closest(run(branch(1, broke), target_tests=("t::one",))) is None


def test_a_fixed_run_needs_no_advice_and_a_running_one_can_be_told() -> None:
    assert give_advice(run(verdict=Verdict.FIXED)) == ()
    assert commands(run(verdict=None)) == ['hydra override fix-shop-1a2b3c4d "…"']


def test_what_an_ambiguous_run_leaves_open_can_be_answered() -> None:
    assert commands(ambiguous()) == ["hydra answer fix-shop-1a2b3c4d 1", ""]
    assert commands(ambiguous().model_copy(update={"question": None})) == [""]


def test_a_failed_run_is_started_again() -> None:
    assert "starts a new run" in give_advice(run(verdict=Verdict.FAILED))[0].text


@pytest.mark.parametrize("verdict", [Verdict.EXHAUSTED, Verdict.ABORTED])
def test_the_partial_fix_the_issue_and_the_model_come_to_mind(verdict: Verdict) -> None:
    genealogy = run(branch(1, attempt(1, 3), attempt(2, 1)), verdict=verdict)
    assert commands(genealogy) == [
        "git show refs/hydra/fix-shop-1a2b3c4d/b01/attempt-002",
        'hydra fix --issue "…"',
        "hydra fix --model …",
    ]
    assert commands(run(model="templates"))[-1].startswith("hydra fix --model ollama:")


@pytest.mark.parametrize(
    ("budget", "option"),
    [
        (Budget(tokens=2000), "--budget-tokens 4000"),
        (Budget(seconds=60), "--budget-seconds 120"),
        (Budget(branches=1), "--budget-branches 2"),
        (Budget(attempts_per_branch=2), "--budget-attempts 4"),
    ],
)
def test_each_limit_that_was_met_can_be_raised(budget: Budget, option: str) -> None:
    spent = branch(1, attempt(1, 3), attempt(2, 2), ending=Ending.SPENT, ended=60.0)
    raised = [
        command
        for command in commands(run(spent, budget=budget, usage=Usage(prompt_tokens=2000)))
        if "budget" in command
    ]
    assert raised == [f"hydra fix {option}"]


def test_more_attempts_help_only_a_branch_that_got_closer_with_its_last() -> None:
    for last in (3, 2):
        stuck = branch(1, attempt(1, 2), attempt(2, last), ending=Ending.SPENT)
        assert not any("attempts" in command for command in commands(run(stuck, budget=Budget(attempts_per_branch=2))))


def test_a_limit_that_cannot_be_raised_is_not_spoken_of() -> None:
    most = Budget(branches=50, attempts_per_branch=200)
    spent = branch(1, *(attempt(n, 201 - n) for n in range(1, 201)), ending=Ending.SPENT)
    genealogy = run(*(spent for _ in range(100)), budget=most, usage=Usage())
    assert not any("budget" in command for command in commands(genealogy))
