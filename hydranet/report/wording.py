"""The words that both forms of a report share; they are not escaped yet."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from hydranet.convergence.score import Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.patches import Patch
from hydranet.report.difference import find_winner
from hydranet.report.postmortem import Postmortem, count_fixes
from hydranet.report.question import is_about_change
from hydranet.report.savings import Savings
from hydranet.strategy import Strategy
from hydranet.text.formatting import format_count, format_duration, format_share, join_words


class Figure(NamedTuple):
    """A figure of the run, and what it is measured by."""

    name: str
    value: str
    of: str = ""


def list_figures(story: Postmortem) -> Iterator[Figure]:
    """Yield the figures at the head of a report."""
    run, budget = story.genealogy, story.genealogy.budget
    yield Figure("strategies", str(len(run.branches)), f"of {budget.branches} allowed")
    yield Figure("attempts", str(run.attempts), f"{budget.attempts_per_branch} allowed per branch")
    yield Figure("reaped", str(run.reaps), f"threshold {run.threshold:.2f}")
    limit = f"{format_share(run.usage.tokens, budget.tokens)} of {budget.tokens:,}" if budget.tokens else "no limit"
    yield Figure("tokens", f"{run.usage.tokens:,}", limit)
    yield Figure(
        "time",
        format_duration(story.seconds),
        f"{format_share(story.seconds, budget.seconds)} of {format_duration(budget.seconds)}",
    )
    if run.investigations:
        yield Figure(
            "looks", str(len(run.investigations)), f"{sum(bool(c.refused) for c in run.investigations)} refused"
        )
    if story.savings.attempts:
        tokens = f"{format_count(story.savings.tokens, 'token')}, " if story.savings.tokens else ""
        yield Figure(
            "saved at most",
            format_duration(story.savings.seconds),
            f"{tokens}{format_count(story.savings.attempts, 'attempt')}",
        )


def describe_verdict(run: Genealogy) -> str:
    """Return the verdict of a run that has ended, with what makes it ambiguous."""
    if run.verdict is Verdict.AMBIGUOUS:
        if is_about_change(run):
            return f"{run.verdict} (the fix changes what no test checks)"
        return f"{run.verdict} ({count_fixes(run)} fixes the tests cannot tell apart)"
    return str(run.verdict or "")


def list_checks(run: Genealogy) -> Iterator[tuple[str, str]]:
    """Yield what was checked of a fix: tests, how others that passed compare, people's answers; each with a label.

    While a run asks about it, the comparison is among the facts of the question.
    """
    if won := find_winner(run):
        yield "Tests", f"{won.attempt.reason} They were run again on a clean checkout.".lstrip()
    if run.comparison and not (run.waits and run.waits.question):
        yield "Compared", run.comparison.sentence
    for answer in run.answers:
        yield "Answered", f"{answer.sentence} ({answer.sender or 'an unknown sender'})"


def describe_circumstances(run: Genealogy) -> Iterator[tuple[str, str]]:
    """Yield the issue's address, the sandbox, notes on tests, decisions and messages of a run, each with a label."""
    if run.issue_url:
        yield "Issue", run.issue_url
    if run.environment:
        yield "Sandbox", run.environment
    if run.written_tests:
        yield "Test written by the run", run.written_tests
    if run.reproduction is not None and run.reproduction.refused:
        yield "Drafts of a test that were refused", run.reproduction.sentence
    if run.known_failures:
        yield "Known failures, left as they are", describe_known_failures(run)
    if run.flaky:
        yield "Flaky on the same code", join_words(list(run.flaky))
    for note in run.test_notes:
        yield "Tests", note
    for decision in run.decisions:
        yield f"Rule {decision.rule}", f"{decision.operation} {decision.subject} is {decision.effect}"
    for objection in run.objections:
        yield objection.label, objection.describe()
    for event in run.nodes:
        yield str(event.kind), f"{event.describe(event.at.astimezone(UTC))} UTC"
    for message in run.messages:
        yield "Message", message.sentence


def describe_known_failures(run: Genealogy) -> str:
    """Return the known failures with their causes, tests of one cause together."""
    by_cause: dict[str, list[str]] = {}
    for failure in run.known_failures:
        by_cause.setdefault(failure.cause, []).append(failure.test)
    parts = [f"{join_words(tests)} ({cause})" for cause, tests in by_cause.items()]
    others = run.known_count - len(run.known_failures)
    return "; ".join([*parts, *([f"{others:,} more"] if others > 0 else [])])


def describe_savings(savings: Savings) -> str:
    """Return what the Reaper saved, as a sentence."""
    if not savings.branches:
        return "Nothing: it ended no branch."
    if not savings.attempts:
        return "Nothing: it ended branches only at their last attempt."
    tokens = f", {format_count(savings.tokens, 'token')}" if savings.tokens else ""
    return f"Up to {format_count(savings.attempts, 'attempt')}{tokens} and {format_duration(savings.seconds)}."


def describe_target(strategy: Strategy) -> str:
    """Return what kind of change a strategy aims at, and where."""
    author = f"suggested by {strategy.suggested_by}" if strategy.suggested_by else ""
    parts = (strategy.kind, join_words(list(strategy.target_symbols)), join_words(list(strategy.target_files)), author)
    return " · ".join(part for part in parts if part)


def label_reason(branch: BranchRecord) -> str:
    """Return the label of the reason why a branch was left."""
    return {Ending.PASSED: "What passed", Ending.RUNNING: "Where it is"}.get(branch.ending, "Why it was left")


def describe_tests(attempt: AttemptRecord, target: int) -> str:
    """Return how the tests of an attempt ended."""
    if attempt.outcome is Outcome.PASSED:
        return "all pass"
    if attempt.outcome is Outcome.FAILED:
        return f"{attempt.facts.failing_count} of {target} failing"
    return attempt.outcome


def describe_commands(attempt: AttemptRecord) -> str:
    """Return the commands by which a model looked around before an attempt, with refusals."""
    commands = attempt.facts.commands
    return "; ".join(f"{c.command} (refused: {c.refused})" if c.refused else c.command for c in commands)


def describe_best(failing: int | None, target: int) -> str:
    """Return how many tests a branch's best attempt left failing."""
    if failing is None:
        return "–"
    return f"{failing} of {target} failing" if failing else "all pass"


def describe_terms(score: Score) -> str:
    """Return the terms of a score, and the earlier attempt that it is nearest to."""
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
    """Return True when the record holds less than the whole patch."""
    lines = (line for edit in patch.edits for line in (*edit.removed, *edit.added))
    return bool(patch.digest) or any(len(line) == 300 and line.endswith("…") for line in lines)


def format_time(moment: datetime) -> str:
    """Return a moment in UTC, so that it reads the same everywhere."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
