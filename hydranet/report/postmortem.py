"""The post-mortem of a run: how every strategy ended and why, what won, what the Reaper saved."""

from datetime import datetime
from typing import NamedTuple

from hydranet.budget import Usage
from hydranet.genealogy import BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.lesson import Lesson, draw_lesson
from hydranet.report.advice import Advice, give_advice
from hydranet.report.difference import Winner, explain_differences, find_winner
from hydranet.report.question import PersonQuestion, ask_behaviour, is_about_change
from hydranet.report.savings import Savings, estimate_savings
from hydranet.text.formatting import format_count, format_duration


class Chapter(NamedTuple):
    """One branch and how it ended.

    `ended` is its end so far, in seconds after the start of the run. `fewest` is the number of tests that its best
    attempt left failing, None when no attempt was tested. `left` says why it was left.
    """

    branch: BranchRecord
    ended: float
    fewest: int | None
    left: str
    lesson: Lesson | None

    @property
    def name(self) -> str:
        """The branch as people call it: `b02`."""
        return f"b{self.branch.number:02d}"

    @property
    def seconds(self) -> float:
        """How long it was pursued."""
        return self.ended - self.branch.began

    @property
    def highest(self) -> float:
        """Its highest convergence, 0 without attempts."""
        return max((attempt.score.value for attempt in self.branch.attempts), default=0.0)


class Postmortem(NamedTuple):
    """Everything that a report shows of a run; each renderer only lays it out.

    `seconds` is the length of the run so far. `elsewhere` is the number of tokens spent outside of branches. The
    `question` is what the tests leave open between fixes that pass.
    """

    genealogy: Genealogy
    started: datetime
    headline: str
    seconds: float
    elsewhere: int
    chapters: tuple[Chapter, ...]
    won: Winner | None
    differences: tuple[str, ...]
    question: PersonQuestion | None
    savings: Savings
    advice: tuple[Advice, ...]

    @property
    def ruled_out(self) -> list[tuple[str, str]]:
        """The names of dead branches and what each rules out."""
        lessons = [(chapter.name, chapter.lesson) for chapter in self.chapters]
        return [(name, taught.rules_out) for name, taught in lessons if taught and taught.rules_out]


def build_postmortem(genealogy: Genealogy, started: datetime) -> Postmortem:
    """Return the post-mortem of a run, which may still be open."""
    seconds = _measure_length(genealogy)
    won = find_winner(genealogy)
    inside = sum((branch.usage for branch in genealogy.branches), Usage())
    return Postmortem(
        genealogy=genealogy,
        started=started,
        headline=_write_headline(genealogy, won, seconds),
        seconds=seconds,
        elsewhere=max(0, genealogy.usage.tokens - inside.tokens),
        chapters=tuple(_make_chapter(branch, genealogy.target_count, seconds) for branch in genealogy.branches),
        won=won,
        differences=explain_differences(won, genealogy) if won else (),
        question=ask_behaviour(genealogy),
        savings=estimate_savings(genealogy),
        advice=give_advice(genealogy),
    )


def _measure_length(genealogy: Genealogy) -> float:
    # An open run lasts up to the last thing on its record.
    moments = [moment for branch in genealogy.branches for moment in (branch.began, branch.ended)]
    moments += [attempt.after for branch in genealogy.branches for attempt in branch.attempts]
    return max([genealogy.seconds, *moments])


def _write_headline(genealogy: Genealogy, won: Winner | None, seconds: float) -> str:
    tried = format_count(len(genealogy.branches), "strategy")
    spent = f"{tried}, {format_count(genealogy.attempts, 'attempt')}, {format_duration(seconds)}"
    match genealogy.verdict:
        case None:
            return f"Still running: {genealogy.state} ({spent} so far)."
        case Verdict.FIXED:
            return f"Fixed in {format_duration(seconds)}{_name_winner(genealogy, won)}."
        case Verdict.AMBIGUOUS:
            by = f", found{name}" if (name := _name_winner(genealogy, won)) else ""
            return f"Ambiguous after {format_duration(seconds)}: {_explain_doubt(genealogy)}{by}."
        case Verdict.EXHAUSTED:
            return f"Not fixed: nothing that was tried passed the tests ({spent})."
        case Verdict.ABORTED:
            return f"Aborted before a fix was found ({spent})."
        case Verdict.FAILED:
            return f"Failed: the run could not go on ({spent})."


def _explain_doubt(genealogy: Genealogy) -> str:
    if is_about_change(genealogy):
        return "the fix that passes changes what no test checks. It is published"
    return f"{count_fixes(genealogy)} fixes pass, and the tests cannot tell them apart. The likeliest is published"


def count_fixes(genealogy: Genealogy) -> int:
    """Return how many fixes of an ambiguous run behave in ways of their own."""
    return max(2, genealogy.comparison.behaviours if genealogy.comparison else 0)


def _name_winner(genealogy: Genealogy, won: Winner | None) -> str:
    if won is None:
        return ""
    others = len(genealogy.branches) - 1
    if not others:
        return " by the first strategy"
    reaped = f", {genealogy.reaps} of them reaped" if genealogy.reaps else ""
    return f" by b{won.branch.number:02d}, after {format_count(others, 'other strategy')} had been given up{reaped}"


def _make_chapter(branch: BranchRecord, target: int, seconds: float) -> Chapter:
    running = branch.ending is Ending.RUNNING
    dead = not running and branch.ending is not Ending.PASSED
    return Chapter(
        branch=branch,
        ended=max(branch.began, seconds if running else branch.ended),
        fewest=_count_fewest(branch),
        left="It is still being pursued." if running else branch.reason,
        lesson=draw_lesson(branch, target) if dead else None,
    )


def _count_fewest(branch: BranchRecord) -> int | None:
    passed = any(attempt.outcome is Outcome.PASSED for attempt in branch.attempts)
    # A test run that did not end counts none as failing.
    failing = [a.facts.failing_count for a in branch.attempts if a.outcome is Outcome.FAILED and a.facts.failing_count]
    return 0 if passed else min(failing, default=None)
