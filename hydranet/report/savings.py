"""Savings: an estimate of what the branches that the Reaper ended would have gone on to spend."""

from itertools import pairwise
from typing import NamedTuple

from hydranet.genealogy import BranchRecord, Ending, Genealogy
from hydranet.text.formatting import format_count, format_duration, format_share


class Saving(NamedTuple):
    """What one reaped branch left unspent, at its own mean of `tokens_each` and `seconds_each` per attempt."""

    branch: BranchRecord
    left: int
    tokens_each: float
    seconds_each: float

    @property
    def tokens(self) -> int:
        """The tokens of the attempts that were left."""
        return round(self.left * self.tokens_each)

    @property
    def seconds(self) -> float:
        """The seconds of the attempts that were left."""
        return self.left * self.seconds_each


class Savings(NamedTuple):
    """The savings of a run, and how they compare with its budget, a sentence each."""

    branches: tuple[Saving, ...]
    compared: tuple[str, ...]

    @property
    def attempts(self) -> int:
        """The attempts that were not made."""
        return sum(saving.left for saving in self.branches)

    @property
    def tokens(self) -> int:
        """The tokens that were not spent."""
        return sum(saving.tokens for saving in self.branches)

    @property
    def seconds(self) -> float:
        """The seconds that were not spent, branch by branch: those of branches that raced add up."""
        return sum(saving.seconds for saving in self.branches)


METHOD = (
    "An estimate, and an upper one: it takes every reaped branch to have used all the attempts the budget allows it, "
    "each at that branch's own average. A branch may also pass or run out of ideas before. Branches that a person "
    "reaped are not counted."
)


def estimate_savings(genealogy: Genealogy) -> Savings:
    """Return what was saved by every branch that the Reaper, not a person, ended."""
    allowed = genealogy.budget.attempts_per_branch
    saved = Savings(
        branches=tuple(
            _estimate_saving(branch, allowed)
            for branch in genealogy.branches
            if branch.ending is Ending.REAPED and _was_circling(branch, genealogy.threshold)
        ),
        compared=(),
    )
    return saved._replace(compared=_compare_with_budget(genealogy, saved))


def _was_circling(branch: BranchRecord, threshold: float) -> bool:
    return bool(branch.attempts) and branch.attempts[-1].score.value > threshold


def _estimate_saving(branch: BranchRecord, allowed: int) -> Saving:
    attempts = len(branch.attempts)
    return Saving(
        branch=branch,
        left=max(0, allowed - attempts),
        tokens_each=branch.usage.tokens / attempts,
        # The run's clock, which leaves pauses out.
        seconds_each=max(0.0, branch.attempts[-1].after - branch.began) / attempts,
    )


def _compare_with_budget(genealogy: Genealogy, saved: Savings) -> tuple[str, ...]:
    if not saved.attempts:
        return ()
    budget, tokens = genealogy.budget, genealogy.usage.tokens
    parts = [f"{format_share(saved.seconds, budget.seconds)} of the {format_duration(budget.seconds)}"]
    if budget.tokens and saved.tokens:
        parts.insert(0, f"{format_share(saved.tokens, budget.tokens)} of the {format_count(budget.tokens, 'token')}")
    sentences = [f"That is {' and '.join(parts)} that the run was given."]
    over = []
    if 0 < budget.tokens < tokens + saved.tokens:
        over.append("token")
    if _ran_in_turn(genealogy) and genealogy.seconds + saved.seconds > budget.seconds:
        over.append("time")
    if over:
        end = "before a branch passed" if genealogy.verdict and genealogy.verdict.has_fix else "after fewer strategies"
        sentences.append(
            f"With what the run spent, that is more than its {' and '.join(over)} budget: "
            f"without the Reaper it would have ended {end}."
        )
    return tuple(sentences)


def _ran_in_turn(genealogy: Genealogy) -> bool:
    # Only then do the seconds of the branches add up to those of the run.
    return all(branch.ended <= following.began for branch, following in pairwise(genealogy.branches))
