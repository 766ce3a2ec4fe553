"""The genealogy as Markdown for *Current Details* in Temporal's Web UI."""

from datetime import UTC

from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.person_wait import WaitSubject
from hydranet.report.question import ask_question
from hydranet.report.wording import describe_known_failures, describe_verdict, list_checks
from hydranet.text.escaping import escape_markdown, format_code, format_command, format_source_line
from hydranet.text.formatting import format_count, format_duration, join_words
from hydranet.text.truncation import keep_start

LIMIT = 20_000
"""The most bytes that the server takes."""

# Of what a person is asked about: branches and attempts need room as well. And characters of each of its facts.
_QUESTION_BYTES = 9_000
_FACT = 600
_MESSAGES = 5

ENDINGS = {
    Ending.RUNNING: "▶ running",
    Ending.SUSPENDED: "‖ suspended",
    Ending.PASSED: "✔ passed",
    Ending.REAPED: "✘ reaped",
    Ending.SPENT: "■ spent",
    Ending.REFUTED: "✘ refuted",
    Ending.CANCELLED: "○ cancelled",
    Ending.FAILED: "✘ failed",
}


def render_details(genealogy: Genealogy) -> str:
    """Return the details, with the oldest branches left out where all are more than the server takes.

    The Web UI shows headings, flat lists and tables only.
    """
    branches = [_write_branch(branch, genealogy.threshold) for branch in genealogy.branches]
    head = _write_head(genealogy)
    folded = 0
    while branches[folded:] and len("\n".join([head, *branches[folded:]]).encode()) > LIMIT - 200:
        folded += 1
    note = [f"*{folded} earlier branches: see* `hydra show {genealogy.run_id}`\n"] if folded else []
    return "\n".join([head, *note, *branches[folded:]])


def _write_head(genealogy: Genealogy) -> str:
    verdict = (
        f"**{describe_verdict(genealogy)}**: {escape_markdown(genealogy.reason)}"
        if genealogy.verdict
        else escape_markdown(genealogy.state)
    )
    draft = genealogy.reproduction.code if genealogy.reproduction else ""
    published = f"\n- Published as `{genealogy.published}`" if genealogy.published else ""
    return (
        f"## {escape_markdown(genealogy.title)}\n\n"
        f"- {verdict}{published}\n"
        f"- Repository {genealogy.repository_name} at `{genealogy.base[:12]}`, model `{genealogy.model}`\n"
        f"- {genealogy.target_count} failing tests at the base, {len(genealogy.branches)} branches, "
        f"{genealogy.attempts} attempts, {genealogy.reaps} reaped, {genealogy.usage.tokens} tokens\n"
        + _list_tests(genealogy)
        + f"- Budget left: {_describe_budget(genealogy)}\n" * (genealogy.verdict is None)
        + "".join(f"- {label}: {escape_markdown(keep_start(text, _FACT))}\n" for label, text in list_checks(genealogy))
        + _write_question(genealogy)
        + "".join(f"- Drafted test: {format_code(line)}\n" for line in draft.splitlines() if line.strip())
        + "".join(f"- Message: {escape_markdown(message.sentence)}\n" for message in genealogy.messages[-_MESSAGES:])
        + "".join(
            f"- {event.kind}: {escape_markdown(event.describe(event.at.astimezone(UTC)))} UTC\n"
            for event in genealogy.nodes[-1:]
        )
    )


def _write_question(genealogy: Genealogy) -> str:
    question = ask_question(genealogy)
    if question is None:
        return ""
    rows = [f"- **{escape_markdown(question.text)}**"]
    rows += [f"- {format_code(command)}: {escape_markdown(effect)}" for command, effect in question.answers]
    shown = [f"- {label}: {escape_markdown(keep_start(text, _FACT))}" for label, text in question.facts]
    # A drafted test is shown all the same, whoever is asked.
    is_draft = genealogy.waits is not None and genealogy.waits.subject is WaitSubject.TEST
    lines = question.proposal.rstrip("\n").split("\n") if question.proposal and not is_draft else []
    shown += [f"- {format_source_line(line)}" for line in lines]
    room = _QUESTION_BYTES
    for number, row in enumerate(shown):
        room -= len(row.encode()) + 1
        if room < 0:
            rows.append(f"- {format_count(len(shown) - number, 'line')} more: {_show(genealogy)}")
            break
        rows.append(row)
    return "".join(f"{row}\n" for row in rows)


def _show(genealogy: Genealogy) -> str:
    return format_code(format_command("hydra", "show", genealogy.run_id))


def _list_tests(genealogy: Genealogy) -> str:
    target = escape_markdown(join_words(list(genealogy.target_tests)))
    lines = [f"- Target: {target}\n"] if target else []
    if genealogy.known_count:
        lines.append(f"- Known failures, left as they are: {escape_markdown(describe_known_failures(genealogy))}\n")
    return "".join(lines)


def _describe_budget(genealogy: Genealogy) -> str:
    budget = genealogy.budget
    moments = [attempt.after for branch in genealogy.branches for attempt in branch.attempts]
    left = [f"{format_duration(max(0.0, budget.seconds - max(moments, default=0.0)))} after the last attempt"]
    if budget.tokens:
        left.append(format_count(max(0, budget.tokens - genealogy.usage.tokens), "token"))
    if budget.attempts:
        left.append(format_count(max(0, budget.attempts - genealogy.attempts), "attempt"))
    return join_words([*left, format_count(max(0, budget.branches - len(genealogy.branches)), "branch")])


def _write_branch(branch: BranchRecord, threshold: float) -> str:
    rows = "\n".join(_write_row(attempt, threshold) for attempt in branch.attempts)
    table = f"\n\n| attempt | tests failing | convergence | what was tried |\n|---|---|---|---|\n{rows}" if rows else ""
    reason = f"\n\n{escape_markdown(branch.reason)}" if branch.reason else ""
    author = escape_markdown(branch.strategy.suggested_by)
    title = f"{escape_markdown(branch.strategy.title)}{f' (suggested by {author})' if author else ''}"
    return f"### b{branch.number:02d} {title}: {ENDINGS[branch.ending]}{reason}{table}\n"


def _write_row(attempt: AttemptRecord, threshold: float) -> str:
    failing = "0 ✔" if attempt.outcome is Outcome.PASSED else str(attempt.facts.failing_count)
    if attempt.outcome in (Outcome.NO_PATCH, Outcome.REFUSED):
        failing = str(attempt.outcome)
    mark = " ✘" if attempt.score.value > threshold else ""
    return f"| {attempt.number} | {failing} | {attempt.score.value:.2f}{mark} | {escape_markdown(attempt.summary)} |"
