"""The post-mortem as Markdown, for a pull request, a wiki or a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from hydranet.genealogy import AttemptRecord
from hydranet.report import charts, wording
from hydranet.report.advice import kept_at
from hydranet.report.postmortem import Chapter, Postmortem
from hydranet.report.savings import METHOD, Saving
from hydranet.report.web_ui import ENDINGS
from hydranet.text.escaping import block, code, literal
from hydranet.text.formatting import count, duration


def markdown(story: Postmortem) -> str:
    """The whole report, ending in a newline."""
    parts = [*_head(story), *_conclusion(story), *_strategies(story), *_savings(story)]
    for chapter in story.chapters:
        parts += _branch(chapter, story)
    parts += _run(story)
    return "\n\n".join(parts) + "\n"


def _head(story: Postmortem) -> Iterator[str]:
    run = story.genealogy
    yield f"# {literal(run.title)}"
    yield f"**{literal(story.headline)}**"
    if run.verdict and run.reason:
        yield literal(run.reason)
    if run.published:
        yield f"The fix is on branch {code(run.published)}."
    yield _table(("figure", "value", ""), [(f.name, f.value, f.of) for f in wording.figures(story)])


def _conclusion(story: Postmortem) -> Iterator[str]:
    if story.won:
        branch, attempt = story.won
        yield "## What won"
        yield f"b{branch.number:02d} {literal(branch.strategy.title)} ({literal(wording.aim(branch.strategy))})"
        if story.differences:
            yield _list(map(literal, story.differences))
        yield _patch(attempt)
        if wording.is_cut(attempt.facts.patch):
            whole = kept_at(story.genealogy.run_id, branch.number, attempt.number)
            yield f"The record holds only a part of this patch; the whole is {code(whole)} in the repository."
    if story.advice:
        yield "## What to try next"
        yield _list(f"{literal(one.text)}{f' {code(one.command)}' if one.command else ''}" for one in story.advice)
    if story.ruled_out and not story.won:
        yield "## What is ruled out"
        yield _list(f"{name}: {literal(text)}" for name, text in story.ruled_out)


def _savings(story: Postmortem) -> Iterator[str]:
    yield "## What the Reaper saved"
    yield " ".join((wording.saved(story.savings), *story.savings.compared))
    if story.savings.branches:
        columns = ("branch", "attempts made", "attempts left", "tokens each", "time each", "saved")
        yield _table(columns, map(_saving, story.savings.branches))
        yield f"*{METHOD}*"


def _saving(saving: Saving) -> Sequence[str]:
    return (
        f"b{saving.branch.number:02d}",
        str(len(saving.branch.attempts)),
        str(saving.left),
        f"{saving.tokens_each:,.0f}",
        duration(saving.seconds_each),
        f"{count(saving.tokens, 'token')}, {duration(saving.seconds)}",
    )


def _strategies(story: Postmortem) -> Iterator[str]:
    yield "## Strategies"
    if not story.chapters:
        yield "No branch was started."
        return
    width = max(len(duration(chapter.seconds)) for chapter in story.chapters)
    rows = (
        f"{span.chapter.name} {charts.strip(span)} {duration(span.chapter.seconds):>{width}}"
        for span in charts.timeline(story)
    )
    yield block(rows)
    columns = ("branch", "strategy", "ended", "attempts", "best", "convergence", "tokens", "time")
    yield _table(columns, (_strategy(chapter, story) for chapter in story.chapters))
    if story.elsewhere:
        yield f"Choosing strategies took another {count(story.elsewhere, 'token')}."


def _strategy(chapter: Chapter, story: Postmortem) -> Sequence[str]:
    branch = chapter.branch
    return (
        chapter.name,
        literal(branch.strategy.title),
        ENDINGS[branch.ending],
        str(len(branch.attempts)),
        wording.fewest(chapter.fewest, story.genealogy.target_count),
        f"{chapter.highest:.2f}",
        f"{branch.usage.tokens:,}",
        duration(chapter.seconds),
    )


def _branch(chapter: Chapter, story: Postmortem) -> Iterator[str]:
    branch = chapter.branch
    yield f"## {chapter.name} {literal(branch.strategy.title)}: {ENDINGS[branch.ending]}"
    if branch.strategy.rationale:
        yield literal(branch.strategy.rationale)
    facts = [("Aim", wording.aim(branch.strategy)), (wording.left(branch), chapter.left)]
    if chapter.lesson:
        tried, failed, rules_out = chapter.lesson.tried, chapter.lesson.failed, chapter.lesson.rules_out
        facts += [("Tried", tried), ("Failed", failed), ("Rules out", rules_out)]
    yield _list(f"**{name}:** {literal(text)}" for name, text in facts if text)
    if branch.attempts:
        yield block(_plot(branch.attempts, story.genealogy.threshold))
        columns = ("attempt", "what was tried", "tests", "convergence", "tokens", "time")
        yield _table(columns, (_attempt(attempt, story) for attempt in branch.attempts))


def _plot(attempts: Sequence[AttemptRecord], threshold: float) -> Iterator[str]:
    yield f"convergence over attempts; the line is the threshold, {threshold:.2f}"
    width = len(str(attempts[-1].number))
    for attempt in attempts:
        value = attempt.score.value
        over = f" > {threshold:.2f}" if value > threshold else ""
        yield f"{attempt.number:>{width}} {charts.bar(value, threshold)} {value:.2f}{over}"


def _attempt(attempt: AttemptRecord, story: Postmortem) -> Sequence[str]:
    made_of, looked = wording.terms(attempt.score), wording.looked(attempt)
    said = (attempt.summary, attempt.reason, f"Looked at: {looked}" if looked else "")
    return (
        str(attempt.number),
        literal(". ".join(text.rstrip(".") for text in said if text)),
        wording.tests(attempt, story.genealogy.target_count),
        f"{attempt.score.value:.2f}{f' ({made_of})' if made_of else ''}",
        f"{attempt.usage.tokens:,}",
        duration(attempt.seconds),
    )


def _run(story: Postmortem) -> Iterator[str]:
    run = story.genealogy
    yield "## The run"
    facts = [
        f"Run {code(run.run_id)}, started {wording.when(story.started)}",
        f"Repository {code(run.repository)} at {code(run.base[:12] or '–')}, model {code(run.model or '–')}",
        *(f"{literal(label)}: {literal(text)}" for label, text in wording.circumstances(run)),
        *(f"A person said: {literal(instruction)}" for instruction in run.instructions),
        *(f"Failing at the base: {literal(test)}" for test in run.target_tests),
    ]
    if (others := run.target_count - len(run.target_tests)) > 0:
        facts.append(f"Failing at the base: {count(others, 'test')} more")
    yield _list(facts)
    yield f"Every attempt is a commit below {code(f'refs/hydra/{run.run_id}/')} in the repository."


def _patch(attempt: AttemptRecord) -> str:
    lines = []
    for edit in attempt.facts.patch.edits:
        lines.append(f"@@ {edit.file}, line {edit.start} @@")
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
    return block(lines, "diff")


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
