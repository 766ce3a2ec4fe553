"""The growth of a genealogy as plain lines, for logs and pipes."""

from collections.abc import Iterator

from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.text.formatting import join_words

# What the lines about branches say already.
_ROUTINE = ("starting", "choosing a strategy", "working")


def list_changes(before: Genealogy | None, after: Genealogy) -> Iterator[str]:
    """What `after` has that `before` had not, in the order in which it happened within a branch."""
    if after.state not in _ROUTINE and not after.verdict and (before is None or before.state != after.state):
        yield after.state
    if after.environment and not (before and before.environment):
        yield f"sandbox: {after.environment}"
    if flaky := [name for name in after.flaky if before is None or name not in before.flaky]:
        yield f"flaky on the same code: {join_words(flaky)}"
    known = {branch.number: branch for branch in before.branches} if before else {}
    for branch in after.branches:
        yield from _branch(known.get(branch.number), branch, after)
    if after.verdict and (before is None or not before.verdict):
        yield f"{after.verdict}: {after.reason}"


def _branch(before: BranchRecord | None, after: BranchRecord, genealogy: Genealogy) -> Iterator[str]:
    name = f"b{after.number:02d}"
    if before is None:
        yield f"{name} started: {after.strategy.title}"
    for attempt in after.attempts[len(before.attempts) if before else 0 :]:
        yield f"{name} attempt {attempt.number}: {_attempt(attempt, genealogy)}"
    if after.ending is not Ending.RUNNING and (before is None or before.ending is Ending.RUNNING):
        yield f"{name} {after.ending}: {after.reason}"


def _attempt(attempt: AttemptRecord, genealogy: Genealogy) -> str:
    tests = "all tests pass"
    if attempt.outcome is Outcome.FAILED:
        tests = f"{attempt.facts.failing_count} failing of {genealogy.target_count}"
    elif attempt.outcome is not Outcome.PASSED:
        tests = f"{attempt.outcome} ({attempt.reason})"
    score = f"convergence {attempt.score.value:.2f} (threshold {genealogy.threshold:.2f})"
    tokens = f", {attempt.usage.tokens} tokens" if attempt.usage.tokens else ""
    tried = f", best of {attempt.candidates} candidates" if attempt.candidates > 1 else ""
    return f"{tests}, {score}{tried}{tokens}, {attempt.seconds:.1f} s: {attempt.summary}"
