"""How a report words what both of its forms show; what these give is still to be escaped."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from hydranet.convergence.score import Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.patches import Patch
from hydranet.report.postmortem import Postmortem
from hydranet.report.savings import Savings
from hydranet.strategy import Strategy
from hydranet.text.formatting import count, duration, listed, share


class Figure(NamedTuple):
    """A figure of the run, and what it is measured against."""

    name: str
    value: str
    of: str = ""


def figures(story: Postmortem) -> Iterator[Figure]:
    """The figures at the head of a report."""
    run, budget = story.genealogy, story.genealogy.budget
    yield Figure("strategies", str(len(run.branches)), f"of {budget.branches} allowed")
    yield Figure("attempts", str(run.attempts), f"{budget.attempts_per_branch} allowed per branch")
    yield Figure("reaped", str(run.reaps), f"threshold {run.threshold:.2f}")
    limit = f"{share(run.usage.tokens, budget.tokens)} of {budget.tokens:,}" if budget.tokens else "no limit"
    yield Figure("tokens", f"{run.usage.tokens:,}", limit)
    yield Figure(
        "time", duration(story.seconds), f"{share(story.seconds, budget.seconds)} of {duration(budget.seconds)}"
    )
    if run.looks:
        yield Figure("looks", str(len(run.looks)), f"{sum(bool(one.refused) for one in run.looks)} refused")
    if story.savings.attempts:
        tokens = f"{count(story.savings.tokens, 'token')}, " if story.savings.tokens else ""
        yield Figure(
            "saved at most", duration(story.savings.seconds), f"{tokens}{count(story.savings.attempts, 'attempt')}"
        )


def circumstances(run: Genealogy) -> Iterator[tuple[str, str]]:
    """Where the tests ran, which of them cannot be relied on, and what the constitution said, each with its label."""
    if run.environment:
        yield "Sandbox", run.environment
    if run.flaky:
        yield "Flaky on the same code", listed(list(run.flaky))
    for one in run.decisions:
        yield f"Rule {one.rule}", f"{one.operation} {one.subject} is {one.effect}"


def saved(savings: Savings) -> str:
    """What the Reaper saved, in a sentence."""
    if not savings.branches:
        return "Nothing: it ended no branch."
    if not savings.attempts:
        return "Nothing: it ended branches only at their last attempt."
    tokens = f", {count(savings.tokens, 'token')}" if savings.tokens else ""
    return f"Up to {count(savings.attempts, 'attempt')}{tokens} and {duration(savings.seconds)}."


def aim(strategy: Strategy) -> str:
    """What kind of change a strategy means to make, and where."""
    parts = (strategy.kind, listed(list(strategy.target_symbols)), listed(list(strategy.target_files)))
    return " · ".join(part for part in parts if part)


def left(branch: BranchRecord) -> str:
    """The label of why a branch was left."""
    return {Ending.PASSED: "What passed", Ending.RUNNING: "Where it is"}.get(branch.ending, "Why it was left")


def tests(attempt: AttemptRecord, target: int) -> str:
    """What the tests said to an attempt."""
    if attempt.outcome is Outcome.PASSED:
        return "all pass"
    if attempt.outcome is Outcome.FAILED:
        return f"{attempt.facts.failing_count} of {target} failing"
    return attempt.outcome


def looked(attempt: AttemptRecord) -> str:
    """What the model asked to see before an attempt, and why it was refused that."""
    told = (f"{one.command} (refused: {one.refused})" if one.refused else one.command for one in attempt.facts.commands)
    return "; ".join(told)


def fewest(failing: int | None, target: int) -> str:
    """The failing tests that a branch's best attempt left."""
    if failing is None:
        return "–"
    return f"{failing} of {target} failing" if failing else "all pass"


def terms(score: Score) -> str:
    """What a score is made of, and which earlier attempt it is about."""
    named = {
        "patch": score.terms.patch_similarity,
        "commands": score.terms.command_repetition,
        "error": score.terms.error_match,
    }
    parts = [f"{name} {value:.2f}" for name, value in named.items() if value is not None]
    if score.nearest is not None:
        parts.append("against a dead branch" if score.novelty else f"against attempt {score.nearest}")
    return ", ".join(parts)


def is_cut(patch: Patch) -> bool:
    """Whether the record holds less than the whole patch."""
    lines = (line for edit in patch.edits for line in (*edit.removed, *edit.added))
    return bool(patch.digest) or any(len(line) == 300 and line.endswith("…") for line in lines)


def when(moment: datetime) -> str:
    """A moment, the same wherever it is read."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
