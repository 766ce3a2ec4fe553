"""What to try next after a run that found no fix, or while it looks for one."""

from collections.abc import Iterator
from typing import NamedTuple

from hydranet import checkpoint
from hydranet.genealogy import BranchRecord, Ending, Genealogy, Verdict
from hydranet.text.formatting import format_count

# What the budget of a run can be raised to.
_MOST_BRANCHES, _MOST_ATTEMPTS = 100, 200


class Advice(NamedTuple):
    """A sentence, and the command that does it, if one does."""

    text: str
    command: str = ""


class Closest(NamedTuple):
    """The attempt that left the fewest target tests failing, fewer than at the base."""

    branch: int
    attempt: int
    failing: int


def find_closest(genealogy: Genealogy) -> Closest | None:
    """The attempt that came closest to a fix without breaking another test; None when none came closer at all."""
    target = set(genealogy.target_tests)
    left = [
        (attempt.facts.failing_count, branch.number, attempt.number)
        for branch in genealogy.branches
        for attempt in branch.attempts
        if 0 < attempt.facts.failing_count < genealogy.target_count and set(attempt.facts.failing_tests) <= target
    ]
    if not left:
        return None
    failing, branch, attempt = min(left)
    return Closest(branch, attempt, failing)


def find_checkpoint(run_id: str, branch: int, attempt: int) -> str:
    """The ref of an attempt's commit in the user's repository."""
    return f"refs/hydra/{run_id}/{checkpoint.format_name(branch, attempt)}"


def give_advice(genealogy: Genealogy) -> tuple[Advice, ...]:
    """What a person can do, the most telling first; nothing after a fix."""
    match genealogy.verdict:
        case Verdict.FIXED:
            return ()
        case None:
            return (Advice("Say what you know: the next plan takes it in.", f'hydra override {genealogy.run_id} "…"'),)
        case Verdict.FAILED:
            return (Advice("Put right what the reason names; the same command then starts a new run."),)
    return (
        *_begun(genealogy),
        Advice("Add what you know about the cause to the issue: it goes into every prompt.", 'hydra fix --issue "…"'),
        *_limits(genealogy),
        _model(genealogy.model),
    )


def _begun(genealogy: Genealogy) -> Iterator[Advice]:
    if near := find_closest(genealogy):
        name = f"b{near.branch:02d}"
        yield Advice(
            f"Go on from attempt {near.attempt} of {name}, which left {near.failing} of "
            f"{format_count(genealogy.target_count, 'test')} failing; its commit is in the repository.",
            f"git show {find_checkpoint(genealogy.run_id, near.branch, near.attempt)}",
        )


def _limits(genealogy: Genealogy) -> Iterator[Advice]:
    """A larger budget, for each limit that the run came up against."""
    budget = genealogy.budget
    if 0 < budget.tokens <= genealogy.usage.tokens:
        yield Advice("Allow more tokens: they were all spent.", f"hydra fix --budget-tokens {2 * budget.tokens}")
    if genealogy.seconds >= budget.seconds:
        yield Advice("Allow more time: it was all spent.", f"hydra fix --budget-seconds {2 * budget.seconds:.0f}")
    if len(genealogy.branches) >= budget.branches < _MOST_BRANCHES:
        more = min(_MOST_BRANCHES, 2 * budget.branches)
        yield Advice("Allow more branches: they were all used.", f"hydra fix --budget-branches {more}")
    for branch in genealogy.branches:
        if budget.attempts_per_branch < _MOST_ATTEMPTS and _cut_short(branch, budget.attempts_per_branch):
            more = min(_MOST_ATTEMPTS, 2 * budget.attempts_per_branch)
            yield Advice(
                f"Allow more attempts per branch: b{branch.number:02d} was still getting closer with its last.",
                f"hydra fix --budget-attempts {more}",
            )
            break


def _cut_short(branch: BranchRecord, allowed: int) -> bool:
    """Whether a branch used all its attempts, and the last one left fewer tests failing than any before."""
    failing = [attempt.facts.failing_count for attempt in branch.attempts]
    used_up = branch.ending is Ending.SPENT and len(failing) >= allowed
    return used_up and len(failing) > 1 and 0 < failing[-1] < min(count for count in failing[:-1] if count)


def _model(model: str) -> Advice:
    if model == "templates":
        return Advice(
            "Use a model: repair templates make one small edit at a time.", "hydra fix --model ollama:qwen2.5-coder:7b"
        )
    return Advice("Try a larger or another model.", "hydra fix --model …")
