"""A run's genealogy as a tree in the terminal."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import indent

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from hydranet.convergence.score import Command, Terms
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.policy.constitution import Decision
from hydranet.report.wording import describe_known_failures, describe_verdict, list_checks
from hydranet.text.escaping import escape_controls
from hydranet.text.formatting import format_count, format_duration, join_words

_ENDINGS = {
    Ending.RUNNING: "cyan",
    Ending.SUSPENDED: "dim cyan",
    Ending.PASSED: "green",
    Ending.REAPED: "bold red",
    Ending.SPENT: "yellow",
    Ending.REFUTED: "red",
    Ending.CANCELLED: "dim",
    Ending.FAILED: "red",
}
_BAR_WIDTH = 10


def render_tree(genealogy: Genealogy, *, terms: bool = False, recent: int | None = None) -> RenderableType:
    """Return the whole tree; with `terms`, each score with its terms, and every reason.

    With `recent`, only that many branches, the last ones, show their attempts.
    """
    root = Tree(_line((genealogy.run_id, "bold"), "  ", genealogy.title))
    folded = 0 if recent is None else len(genealogy.branches) - recent
    for branch in genealogy.branches:
        root.add(_format_title(branch) if branch.number <= folded else _render_branch(branch, genealogy, terms))
    circumstances = _list_circumstances(genealogy) if terms else ()
    return Group(root, *_list_failing(genealogy), *circumstances, _summarise(genealogy))


def _text(content: str, style: str = "") -> Text:
    # Models and repositories wrote some of it: the terminal shows it and does not obey it.
    return Text(escape_controls(content), style)


def _line(*parts: str | tuple[str, str] | Text) -> Text:
    line = Text()
    for part in parts:
        line.append_text(part if isinstance(part, Text) else _text(*([part] if isinstance(part, str) else part)))
    return line


def _list_failing(genealogy: Genealogy) -> Iterator[Text]:
    if genealogy.target_tests:
        yield _text(f"target: {join_words(list(genealogy.target_tests))}", "dim")
    if genealogy.written_tests:
        yield _text(f"test written by the run: {genealogy.written_tests}", "dim")
    yield from _show_draft(genealogy)
    if genealogy.known_failures:
        yield _text(f"known failures, left as they are: {describe_known_failures(genealogy)}", "dim")
    for label, text in list_checks(genealogy):
        yield _text(f"{label.lower()}: {text}", "dim")
    for objection in genealogy.objections:
        # Why a fix was refused stands at its branch.
        if not objection.refuses:
            yield _text(f"{objection.label}: {objection.describe()}", "yellow")


def _show_draft(genealogy: Genealogy) -> Iterator[Text]:
    tried = genealogy.reproduction
    if tried is None:
        return
    if tried.code:
        yield _text(indent(tried.code, "    "))
    if tried.refused:
        yield _text(f"{format_count(len(tried.refused), 'draft')} refused: {tried.sentence}", "dim")


def _list_circumstances(genealogy: Genealogy) -> Iterator[Text]:
    if genealogy.environment:
        yield _text(f"sandbox: {genealogy.environment}", "dim")
    if genealogy.flaky:
        yield _text(f"flaky on the same code: {join_words(list(genealogy.flaky))}", "yellow")
    for note in genealogy.test_notes:
        yield _text(f"tests: {note}", "yellow")
    for decision in genealogy.decisions:
        yield _text(_describe_decision(decision), "dim")
    for message in genealogy.messages:
        yield _text(f"message: {message.sentence}", "dim")
    now = datetime.now().astimezone()
    for event in genealogy.nodes:
        yield _text(f"{event.kind} after {format_duration(event.after)}: {event.describe(now)}", "yellow")


def _describe_decision(decision: Decision) -> str:
    reason = f": {decision.reason}" if decision.reason else ""
    return f"constitution, rule {decision.rule}: {decision.operation} {decision.subject} is {decision.effect}{reason}"


def _format_title(branch: BranchRecord) -> Text:
    name = (f"b{branch.number:02d} ", "bold")
    ending = (branch.ending.upper() if branch.ending is Ending.REAPED else branch.ending, _ENDINGS[branch.ending])
    author = (f"  suggested by {branch.strategy.suggested_by}" if branch.strategy.suggested_by else "", "dim")
    return _line(name, branch.strategy.title, author, "  ", ending)


def _render_branch(branch: BranchRecord, genealogy: Genealogy, terms: bool) -> Tree:
    node = Tree(_format_title(branch))
    if terms and branch.strategy.rationale:
        node.add(_text(f"because {branch.strategy.rationale}", "dim"))
    for attempt in branch.attempts:
        node.add(_render_attempt(attempt, genealogy, terms))
    if branch.reason:
        node.add(_text(branch.reason, _ENDINGS[branch.ending]))
    return node


def _render_attempt(attempt: AttemptRecord, genealogy: Genealogy, terms: bool) -> RenderableType:
    line = _line(
        f"attempt {attempt.number}  ",
        _describe_tests(attempt, genealogy.target_count),
        "  convergence ",
        _draw_convergence(attempt.score.value, genealogy.threshold),
        ("" if attempt.candidates <= 1 else f"  {attempt.candidates} candidates"),
        (f"  {attempt.usage.tokens} tokens" if attempt.usage.tokens else ""),
        f"  {attempt.seconds:.1f} s  ",
        (attempt.summary, "dim"),
    )
    if not terms:
        line.no_wrap, line.overflow = True, "ellipsis"
        return line
    nearest = "" if attempt.score.nearest is None else f", nearest attempt {attempt.score.nearest}"
    details = [_text(f"  terms: {_describe_terms(attempt.score.terms)}{nearest}", "dim")]
    if attempt.spent:
        details.append(_text(f"  {_describe_usage(attempt)}", "dim"))
    for command in attempt.facts.commands:
        details.append(_text(f"  {_describe_command(command)}", "yellow" if command.refused else "dim"))
    if attempt.reason:
        details.append(_text(f"  {attempt.reason}", "dim"))
    return Group(line, *details)


def _describe_command(command: Command) -> str:
    return f"refused {command.command} ({command.refused})" if command.refused else f"looked: {command.command}"


def _describe_usage(attempt: AttemptRecord) -> str:
    steps = ", ".join(f"{spent.purpose} {spent.usage.tokens}" for spent in attempt.spent)
    usage = attempt.usage
    cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
    return f"tokens {steps}{cached}; context {usage.context}, waited {usage.waiting:.1f} s, {usage.speed:.0f} tokens/s"


def _describe_tests(attempt: AttemptRecord, target: int) -> Text:
    if attempt.outcome is Outcome.PASSED:
        return _text("all tests pass", "green")
    if attempt.outcome is Outcome.FAILED:
        return _text(f"{attempt.facts.failing_count} failing (of {target} at the base)")
    return _text(attempt.outcome, "yellow")


def _draw_convergence(value: float, threshold: float) -> Text:
    filled = round(value * _BAR_WIDTH)
    dead = value > threshold
    bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
    return _text(f"{bar} {value:.2f} {'>' if dead else '≤'} {threshold:.2f}", "red" if dead else "")


def _describe_terms(terms: Terms) -> str:
    named = {
        "patch": terms.patch_similarity,
        "commands": terms.command_repetition,
        "error": terms.error_match,
    }
    return (
        ", ".join(f"{name} {value:.2f}" for name, value in named.items() if value is not None)
        or "none, for there is nothing to compare it with"
    )


def _summarise(genealogy: Genealogy) -> Text:
    counts = [
        format_count(len(genealogy.branches), "branch"),
        format_count(genealogy.attempts, "attempt"),
        f"{genealogy.reaps} reaped",
        format_count(genealogy.usage.tokens, "token"),
    ]
    if looks := genealogy.investigations:
        refused = sum(bool(look.refused) for look in looks)
        counts.append(f"{format_count(len(looks), 'look')} ({refused} refused)")
    if genealogy.verdict is None:
        return _line((genealogy.state, "cyan"), f"  ({', '.join(counts)})")
    counts.append(format_duration(genealogy.seconds))
    colour = "green" if genealogy.verdict is Verdict.FIXED else "yellow"
    text = _line((describe_verdict(genealogy), f"bold {colour}"), f"  {genealogy.reason}\n{', '.join(counts)}")
    if genealogy.published:
        text.append(f"\npublished as branch {genealogy.published}", "green")
    return text
