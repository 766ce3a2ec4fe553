"""The genealogy as a tree in the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from hydranet.convergence.score import Command, Terms
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.policy.constitution import Decision
from hydranet.text.escaping import escape_controls
from hydranet.text.formatting import join_words

_ENDINGS = {
    Ending.RUNNING: "cyan",
    Ending.PASSED: "green",
    Ending.REAPED: "red",
    Ending.SPENT: "yellow",
    Ending.REFUTED: "red",
    Ending.CANCELLED: "dim",
    Ending.FAILED: "red",
}
_BAR = 10


def render_tree(genealogy: Genealogy, *, terms: bool = False, recent: int | None = None) -> RenderableType:
    """The whole tree; with `terms`, each score with what it is made of, and every reason.

    With `recent`, only so many of the last branches show their attempts.
    """
    root = Tree(_line((genealogy.run_id, "bold"), "  ", genealogy.title))
    folded = 0 if recent is None else len(genealogy.branches) - recent
    for branch in genealogy.branches:
        root.add(_title(branch) if branch.number <= folded else _branch(branch, genealogy, terms))
    return Group(root, *(_circumstances(genealogy) if terms else ()), _summary(genealogy))


def _text(said: str, style: str = "") -> Text:
    """A text that shows what a model or a repository wrote, and never obeys it."""
    return Text(escape_controls(said), style)


def _line(*parts: str | tuple[str, str] | Text) -> Text:
    """Texts, with their styles, side by side."""
    line = Text()
    for part in parts:
        line.append_text(part if isinstance(part, Text) else _text(*([part] if isinstance(part, str) else part)))
    return line


def _circumstances(genealogy: Genealogy) -> Iterator[Text]:
    """Where the tests ran, which of them cannot be relied on, and what the constitution said."""
    if genealogy.environment:
        yield _text(f"sandbox: {genealogy.environment}", "dim")
    if genealogy.flaky:
        yield _text(f"flaky on the same code: {join_words(list(genealogy.flaky))}", "yellow")
    for one in genealogy.decisions:
        yield _text(_decision(one), "dim")


def _decision(one: Decision) -> str:
    """A line of the audit trail."""
    reason = f": {one.reason}" if one.reason else ""
    return f"constitution, rule {one.rule}: {one.operation} {one.subject} is {one.effect}{reason}"


def _title(branch: BranchRecord) -> Text:
    name, ending = (f"b{branch.number:02d} ", "bold"), (branch.ending, _ENDINGS[branch.ending])
    return _line(name, branch.strategy.title, "  ", ending)


def _branch(branch: BranchRecord, genealogy: Genealogy, terms: bool) -> Tree:
    node = Tree(_title(branch))
    if terms and branch.strategy.rationale:
        node.add(_text(f"because {branch.strategy.rationale}", "dim"))
    for attempt in branch.attempts:
        node.add(_attempt(attempt, genealogy, terms))
    if branch.reason:
        node.add(_text(branch.reason, _ENDINGS[branch.ending]))
    return node


def _attempt(attempt: AttemptRecord, genealogy: Genealogy, terms: bool) -> RenderableType:
    line = _line(
        f"attempt {attempt.number}  ",
        _tests(attempt, genealogy.target_count),
        "  convergence ",
        _convergence(attempt.score.value, genealogy.threshold),
        ("" if attempt.candidates <= 1 else f"  {attempt.candidates} candidates"),
        (f"  {attempt.usage.tokens} tokens" if attempt.usage.tokens else ""),
        f"  {attempt.seconds:.1f} s  ",
        (attempt.summary, "dim"),
    )
    if not terms:
        return line
    nearest = "" if attempt.score.nearest is None else f", nearest attempt {attempt.score.nearest}"
    more = [_text(f"  score of {_terms(attempt.score.terms)}{nearest}", "dim")]
    if attempt.spent:
        more.append(_text(f"  {_spent(attempt)}", "dim"))
    more += [_text(f"  {_look(one)}", "yellow" if one.refused else "dim") for one in attempt.facts.commands]
    if attempt.reason:
        more.append(_text(f"  {attempt.reason}", "dim"))
    return Group(line, *more)


def _look(one: Command) -> str:
    """A command that the model asked for."""
    return f"refused {one.command} ({one.refused})" if one.refused else f"looked: {one.command}"


def _spent(attempt: AttemptRecord) -> str:
    """Tokens by purpose, and how fast the model was."""
    steps = ", ".join(f"{one.purpose} {one.usage.tokens}" for one in attempt.spent)
    usage = attempt.usage
    cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
    return f"tokens {steps}{cached}; context {usage.context}, waited {usage.waiting:.1f} s, {usage.speed:.0f} tokens/s"


def _tests(attempt: AttemptRecord, target: int) -> Text:
    if attempt.outcome is Outcome.PASSED:
        return _text("all tests pass", "green")
    if attempt.outcome is Outcome.FAILED:
        return _text(f"{attempt.facts.failing_count} failing (of {target} at the base)")
    return _text(attempt.outcome, "yellow")


def _convergence(value: float, threshold: float) -> Text:
    filled = round(value * _BAR)
    dead = value > threshold
    bar = "█" * filled + "░" * (_BAR - filled)
    return _text(f"{bar} {value:.2f} {'>' if dead else '≤'} {threshold:.2f}", "red" if dead else "")


def _terms(terms: Terms) -> str:
    named = {
        "patch": terms.patch_similarity,
        "commands": terms.command_repetition,
        "error": terms.error_match,
    }
    return ", ".join(f"{name} {value:.2f}" for name, value in named.items() if value is not None) or "nothing yet"


def _summary(genealogy: Genealogy) -> Text:
    counts = (
        f"{len(genealogy.branches)} branches, {genealogy.attempts} attempts, {genealogy.reaps} reaped, "
        f"{genealogy.usage.tokens} tokens"
    )
    if looks := genealogy.investigations:
        counts += f", {len(looks)} looks ({sum(bool(one.refused) for one in looks)} refused)"
    if genealogy.verdict is None:
        return _line((genealogy.state, "cyan"), f"  ({counts})")
    colour = "green" if genealogy.verdict is Verdict.FIXED else "yellow"
    text = _line((genealogy.verdict, f"bold {colour}"), f"  {genealogy.reason}\n{counts}")
    text.append(f", {genealogy.seconds:.0f} s")
    if genealogy.published:
        text.append(f"\npublished as branch {genealogy.published}", "green")
    return text
