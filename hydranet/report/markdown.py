"""The post-mortem as Markdown, for a pull request, a wiki or a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from hydranet.genealogy import AttemptRecord
from hydranet.report import charts, wording
from hydranet.report.advice import format_ref
from hydranet.report.postmortem import Chapter, Postmortem
from hydranet.report.question import PersonQuestion
from hydranet.report.savings import METHOD, Saving
from hydranet.report.web_ui import ENDINGS
from hydranet.text.escaping import escape_markdown, format_block, format_code
from hydranet.text.formatting import format_count, format_duration


def render_markdown(story: Postmortem) -> str:
    """Return the whole report, ending in a newline."""
    return "\n\n".join(list_parts(story)) + "\n"


def list_parts(story: Postmortem) -> list[str]:
    """Return the report's headings, paragraphs, tables and blocks of code, of which the first is its title."""
    parts = [*_write_head(story), *_write_conclusion(story), *_write_strategies(story), *_write_savings(story)]
    for chapter in story.chapters:
        parts += _write_branch(chapter, story)
    return [*parts, *_write_run(story)]


def _write_head(story: Postmortem) -> Iterator[str]:
    run = story.genealogy
    yield f"# {escape_markdown(run.title)}"
    yield f"**{escape_markdown(story.headline)}**"
    if run.verdict and run.reason:
        yield escape_markdown(run.reason)
    if run.published:
        yield f"The fix is on branch {format_code(run.published)}."
    yield _format_table(("figure", "value", ""), [(f.name, f.value, f.of) for f in wording.list_figures(story)])


def _write_conclusion(story: Postmortem) -> Iterator[str]:
    if story.won:
        branch, attempt = story.won
        yield "## What won"
        strategy = branch.strategy
        target = escape_markdown(wording.describe_target(strategy))
        yield f"b{branch.number:02d} {escape_markdown(strategy.title)} ({target})"
        if story.differences:
            yield _format_list(map(escape_markdown, story.differences))
        yield _format_patch(attempt)
        if wording.is_cut(attempt.facts.patch):
            whole = format_ref(story.genealogy.run_id, branch.number, attempt.number)
            yield f"The record holds only a part of this patch; the whole is {format_code(whole)} in the repository."
    if checks := [*wording.list_checks(story.genealogy)]:
        yield "## What was checked"
        yield _format_list(f"**{label}:** {escape_markdown(text)}" for label, text in checks)
    if story.question:
        yield from _write_question(story.question)
    if story.advice:
        yield "## What to try next"
        yield _format_list(
            escape_markdown(advice.text) + (f" {format_code(advice.command)}" if advice.command else "")
            for advice in story.advice
        )
    if story.ruled_out and not story.won:
        yield "## What is ruled out"
        yield _format_list(f"{name}: {escape_markdown(text)}" for name, text in story.ruled_out)


def _write_question(question: PersonQuestion) -> Iterator[str]:
    yield "## What the tests leave open"
    yield f"**{escape_markdown(question.text)}**"
    if question.proposal:
        yield format_block(question.proposal.split("\n"), "python")
    yield _format_list(f"**{label}:** {escape_markdown(text)}" for label, text in question.facts)
    yield "It is answered by one of these:"
    yield _format_list(f"{format_code(command)}: {escape_markdown(effect)}" for command, effect in question.answers)


def _write_savings(story: Postmortem) -> Iterator[str]:
    yield "## What the Reaper saved"
    yield " ".join((wording.describe_savings(story.savings), *story.savings.compared))
    if story.savings.branches:
        columns = ("branch", "attempts made", "attempts left", "tokens each", "time each", "saved")
        yield _format_table(columns, map(_make_saving_row, story.savings.branches))
        yield f"*{METHOD}*"


def _make_saving_row(saving: Saving) -> Sequence[str]:
    return (
        f"b{saving.branch.number:02d}",
        str(len(saving.branch.attempts)),
        str(saving.left),
        f"{saving.tokens_each:,.0f}",
        format_duration(saving.seconds_each),
        f"{format_count(saving.tokens, 'token')}, {format_duration(saving.seconds)}",
    )


def _write_strategies(story: Postmortem) -> Iterator[str]:
    yield "## Strategies"
    if not story.chapters:
        yield "No branch was started."
        return
    width = max(len(format_duration(chapter.seconds)) for chapter in story.chapters)
    rows = (
        f"{span.chapter.name} {charts.draw_strip(span)} {format_duration(span.chapter.seconds):>{width}}"
        for span in charts.draw_timeline(story)
    )
    yield format_block(rows)
    columns = ("branch", "strategy", "ended", "attempts", "best", "convergence", "tokens", "time")
    yield _format_table(columns, (_make_strategy_row(chapter, story) for chapter in story.chapters))
    if story.elsewhere:
        yield f"Choosing strategies took another {format_count(story.elsewhere, 'token')}."


def _make_strategy_row(chapter: Chapter, story: Postmortem) -> Sequence[str]:
    branch = chapter.branch
    return (
        chapter.name,
        escape_markdown(branch.strategy.title),
        ENDINGS[branch.ending],
        str(len(branch.attempts)),
        wording.describe_best(chapter.fewest, story.genealogy.target_count),
        f"{chapter.highest:.2f}",
        f"{branch.usage.tokens:,}",
        format_duration(chapter.seconds),
    )


def _write_branch(chapter: Chapter, story: Postmortem) -> Iterator[str]:
    branch = chapter.branch
    yield f"## {chapter.name} {escape_markdown(branch.strategy.title)}: {ENDINGS[branch.ending]}"
    if branch.strategy.rationale:
        yield escape_markdown(branch.strategy.rationale)
    facts = [("Aim", wording.describe_target(branch.strategy)), (wording.label_reason(branch), chapter.left)]
    if chapter.lesson:
        tried, failed, rules_out = chapter.lesson.tried, chapter.lesson.failed, chapter.lesson.rules_out
        facts += [("Tried", tried), ("Failed", failed), ("Rules out", rules_out)]
    yield _format_list(f"**{name}:** {escape_markdown(text)}" for name, text in facts if text)
    if branch.attempts:
        yield format_block(_draw_plot(branch.attempts, story.genealogy.threshold))
        columns = ("attempt", "what was tried", "tests", "convergence", "tokens", "time")
        yield _format_table(columns, (_make_attempt_row(attempt, story) for attempt in branch.attempts))


def _draw_plot(attempts: Sequence[AttemptRecord], threshold: float) -> Iterator[str]:
    yield f"convergence over attempts; the line is the threshold, {threshold:.2f}"
    width = len(str(attempts[-1].number))
    for attempt in attempts:
        value = attempt.score.value
        over = f" > {threshold:.2f}" if value > threshold else ""
        yield f"{attempt.number:>{width}} {charts.draw_bar(value, threshold)} {value:.2f}{over}"


def _make_attempt_row(attempt: AttemptRecord, story: Postmortem) -> Sequence[str]:
    terms, commands = wording.describe_terms(attempt.score), wording.describe_commands(attempt)
    sentences = (attempt.summary, attempt.reason, f"Looked at: {commands}" if commands else "")
    return (
        str(attempt.number),
        escape_markdown(". ".join(text.rstrip(".") for text in sentences if text)),
        wording.describe_tests(attempt, story.genealogy.target_count),
        f"{attempt.score.value:.2f}{f' ({terms})' if terms else ''}",
        f"{attempt.usage.tokens:,}",
        format_duration(attempt.seconds),
    )


def _write_run(story: Postmortem) -> Iterator[str]:
    run = story.genealogy
    yield "## The run"
    facts = [
        f"Run {format_code(run.run_id)}, started {wording.format_time(story.started)}",
        f"Repository {format_code(run.repository_name)} at {format_code(run.base[:12] or '–')}, "
        f"model {format_code(run.model or '–')}",
        *(f"{escape_markdown(label)}: {escape_markdown(text)}" for label, text in wording.describe_circumstances(run)),
        *(f"Failing at the base: {escape_markdown(test)}" for test in run.target_tests),
    ]
    if (others := run.target_count - len(run.target_tests)) > 0:
        facts.append(f"Failing at the base: {format_count(others, 'test')} more")
    yield _format_list(facts)
    yield f"Every attempt is a commit below {format_code(f'refs/hydra/{run.run_id}/')} in the repository."


def _format_patch(attempt: AttemptRecord) -> str:
    lines = []
    for edit in attempt.facts.patch.edits:
        lines.append(f"@@ {edit.file}, line {edit.start} @@")
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
    return format_block(lines, "diff")


def _format_list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _format_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
