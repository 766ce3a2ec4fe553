"""Advice: what a person can do next after a run without a fix, or while a run is open."""

from collections.abc import Iterator
from typing import NamedTuple

from hydranet import checkpoint
from hydranet.genealogy import BranchRecord, Ending, Genealogy, Verdict
from hydranet.report.obstacle import Obstacle, ObstacleKind, find_obstacle
from hydranet.report.question import ask_behaviour, is_about_change
from hydranet.strategy import TEMPLATES
from hydranet.text.escaping import format_command
from hydranet.text.formatting import format_count

# The largest budget that the settings take.
_MOST_BRANCHES, _MOST_ATTEMPTS = 50, 200


class Advice(NamedTuple):
    """A sentence, and the command that does what it says, if there is one."""

    text: str
    command: str = ""


class Closest(NamedTuple):
    """The attempt that left the fewest target tests failing, fewer than at the base."""

    branch: int
    attempt: int
    failing: int


def find_closest(genealogy: Genealogy) -> Closest | None:
    """Return the attempt that came closest to a fix and broke no other test; None when none came closer."""
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


def format_ref(run_id: str, branch: int, attempt: int) -> str:
    """Return the ref of an attempt's commit in the user's repository."""
    return f"refs/hydra/{run_id}/{checkpoint.format_name(branch, attempt)}"


def give_advice(genealogy: Genealogy) -> tuple[Advice, ...]:
    """Return what a person can do, the most promising first; nothing after a fix that nothing is asked about."""
    match genealogy.verdict:
        case Verdict.FIXED:
            return ()
        case Verdict.AMBIGUOUS:
            return (*_suggest_answer(genealogy),)
        case None:
            return (
                Advice(
                    "Tell the run what you know: its next plan takes that into account.",
                    f'hydra override {genealogy.run_id} "…"',
                ),
            )
        case Verdict.FAILED:
            return (Advice("Correct what the reason names; the same command then starts a new run."),)
    return (
        *_suggest_way_around(genealogy),
        *_suggest_closest(genealogy),
        Advice("Add what you know about the cause to the issue: it goes into every prompt.", 'hydra fix --issue "…"'),
        *_suggest_budget(genealogy),
        _suggest_model(genealogy.model),
    )


def _suggest_answer(genealogy: Genealogy) -> Iterator[Advice]:
    if ask_behaviour(genealogy):
        yield Advice(
            "Answer the question by 1, 2, neither or --value LITERAL: the answer becomes a test, and a run goes on "
            "from the fixes on record.",
            format_command("hydra", "answer", genealogy.run_id, "1"),
        )
    test = "of what is right there" if is_about_change(genealogy) else "that tells the fixes apart"
    yield Advice(f"Write a test {test}, commit it, and start a new run.")


def _suggest_way_around(genealogy: Genealogy) -> Iterator[Advice]:
    match find_obstacle(genealogy):
        case Obstacle(kind=ObstacleKind.REFUSED, sentence=sentence):
            yield Advice(f"{sentence} If the fix does belong there, make that change yourself and start a new run.")
        case Obstacle(kind=ObstacleKind.BROKE, sentence=sentence, branch=branch, attempt=attempt):
            yield Advice(
                f"{sentence} Say in the issue what is to hold for both, or correct the tests that no longer fit.",
                f"git show {format_ref(genealogy.run_id, branch, attempt)}",
            )
        case Obstacle(kind=ObstacleKind.REFUTED, sentence=sentence):
            yield Advice(sentence)


def _suggest_closest(genealogy: Genealogy) -> Iterator[Advice]:
    if closest := find_closest(genealogy):
        name = f"b{closest.branch:02d}"
        yield Advice(
            f"Go on from attempt {closest.attempt} of {name}, which left {closest.failing} of "
            f"{format_count(genealogy.target_count, 'test')} failing; its commit is in the repository.",
            f"git show {format_ref(genealogy.run_id, closest.branch, closest.attempt)}",
        )


def _suggest_budget(genealogy: Genealogy) -> Iterator[Advice]:
    budget = genealogy.budget
    if 0 < budget.tokens <= genealogy.usage.tokens:
        yield Advice("Allow more tokens: they were all spent.", f"hydra fix --budget-tokens {2 * budget.tokens}")
    if genealogy.seconds >= budget.seconds:
        yield Advice("Allow more time: it was all spent.", f"hydra fix --budget-seconds {2 * budget.seconds:.0f}")
    obstacle = find_obstacle(genealogy)
    is_refused = obstacle is not None and obstacle.kind is ObstacleKind.REFUSED
    # Templates beside a model have branches of their own.
    own = [
        branch for branch in genealogy.branches if genealogy.model == TEMPLATES or branch.strategy.model != TEMPLATES
    ]
    if len(own) >= budget.branches < _MOST_BRANCHES and not is_refused:
        more = min(_MOST_BRANCHES, 2 * budget.branches)
        yield Advice("Allow more branches: they were all used.", f"hydra fix --budget-branches {more}")
    for branch in genealogy.branches:
        if budget.attempts_per_branch < _MOST_ATTEMPTS and _was_still_improving(branch, budget.attempts_per_branch):
            more = min(_MOST_ATTEMPTS, 2 * budget.attempts_per_branch)
            yield Advice(
                f"Allow more attempts per branch: b{branch.number:02d} was still getting closer with its last.",
                f"hydra fix --budget-attempts {more}",
            )
            break


def _was_still_improving(branch: BranchRecord, allowed: int) -> bool:
    failing = [attempt.facts.failing_count for attempt in branch.attempts]
    used_up = branch.ending is Ending.SPENT and len(failing) >= allowed
    return used_up and len(failing) > 1 and 0 < failing[-1] < min(count for count in failing[:-1] if count)


def _suggest_model(model: str) -> Advice:
    if model == TEMPLATES:
        return Advice(
            "Use a model: repair templates make one small edit at a time.", "hydra fix --model ollama:qwen2.5-coder:7b"
        )
    return Advice("Try a larger or another model.", "hydra fix --model …")
