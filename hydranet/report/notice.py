"""Notices of what happens to a run and to nodes, in the words of the other reports."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from hydranet.genealogy import BranchRecord, Ending, Genealogy
from hydranet.notice import Notice, NoticeFact, NoticeKind, make_notice_id
from hydranet.report.question import ask_behaviour, ask_question, describe_branch
from hydranet.report.wording import describe_verdict, list_checks
from hydranet.text.escaping import escape_controls, format_command
from hydranet.text.formatting import format_count, format_duration
from hydranet.text.truncation import keep_start

_SUBJECT_CHARACTERS = 200
_FACTS = 60


def tell_question(run: Genealogy) -> Notice | None:
    """Return the notice that a run waits for a person, with diff, tests and alternatives; None where it does not."""
    question = ask_question(run)
    if question is None or run.waits is None:
        return None
    since = run.waits.since
    return _tell(
        run,
        NoticeKind.WAITING,
        since,
        f"{question.text} {run.title}",
        key=since.isoformat(),
        text=question.text,
        facts=_list_facts(question.facts[:_FACTS]),
        commands=(*(command for command, _ in question.answers), _show(run)),
        diff=question.proposal,
    )


def _list_facts(facts: Iterable[tuple[str, str]]) -> tuple[NoticeFact, ...]:
    return tuple(NoticeFact(label=label, text=text) for label, text in facts)


def list_reaps(run: Genealogy, now: datetime) -> Iterator[Notice]:
    """Yield a notice for each branch of a run that was reaped."""
    for branch in run.branches:
        if branch.ending is Ending.REAPED:
            yield _tell_reap(run, branch, now)


def _tell_reap(run: Genealogy, branch: BranchRecord, now: datetime) -> Notice:
    return _tell(
        run,
        NoticeKind.REAPED,
        now,
        f"b{branch.number:02d} was reaped: {branch.strategy.title}",
        key=branch.number,
        text=branch.reason,
        facts=(NoticeFact(label="Branch", text=describe_branch(branch, run)),),
        commands=(_show(run),),
    )


def tell_budget(run: Genealogy, now: datetime, share: float) -> Notice:
    """Return the notice that a run has spent so much of its budget."""
    budget = run.budget
    spent = [f"{format_count(run.usage.tokens, 'token')} of {budget.tokens:,}"] if budget.tokens else []
    spent += [f"{format_count(run.attempts, 'attempt')} of {budget.attempts}"] if budget.attempts else []
    spent.append(f"its time is limited to {format_duration(budget.seconds)}")
    return _tell(
        run,
        NoticeKind.BUDGET,
        now,
        f"{share:.0%} of the budget is spent: {run.title}".replace("%", " %", 1),
        key="",
        text="; ".join(spent),
        commands=(_show(run),),
    )


def tell_end(run_id: str, at: datetime, status: str, run: Genealogy | None) -> Notice:
    """Return the notice that a run has ended; without a verdict on record, `status` says how Temporal has it."""
    if run is None or run.verdict is None:
        title = f"{status}: {run.title if run else run_id}"
        known = run or Genealogy(run_id=run_id, repository_name="", title=run_id)
        return _tell(known, NoticeKind.ENDED, at, title, key="", text="It ended without a verdict.")
    published = (NoticeFact(label="Published as", text=run.published),) if run.published else ()
    counts = f"{format_count(len(run.branches), 'branch')}, {format_count(run.attempts, 'attempt')}, {run.reaps} reaped"
    tried = NoticeFact(label="Tried", text=f"{counts}, {format_duration(run.seconds)}")
    question = ask_behaviour(run)
    checks = _list_facts(list_checks(run))
    left = _list_facts((("Left open", question.text), *question.facts)) if question else ()
    answers = question.answers if question else ()
    return _tell(
        run,
        NoticeKind.ENDED,
        at,
        f"{describe_verdict(run)}: {run.title}",
        key="",
        text=run.reason,
        facts=(*published, tried, *checks, *left),
        commands=(
            *(command for command, _ in answers),
            _show(run),
            format_command("hydra", "report", run.run_id),
        ),
        diff=question.proposal if question else "",
    )


def tell_lost_node(role: str, host: str, heard: datetime) -> Notice:
    """Return the notice that a node is lost which was heard of last at a moment."""
    return Notice(
        id=make_notice_id(NoticeKind.NODE_LOST, host, role, heard.isoformat()),
        kind=NoticeKind.NODE_LOST,
        at=heard,
        subject=keep_start(f"{role} of {host}", _SUBJECT_CHARACTERS),
        title=f"The {role} of {host} is lost",
        text="Its steps go to other nodes, or wait.",
        commands=("hydra cluster status",),
    )


def tell_missing_worker(queue: str, at: datetime, text: str, start: str) -> Notice:
    """Return the notice that nobody polls a queue since a moment, and by which command somebody would."""
    return Notice(
        id=make_notice_id(NoticeKind.NO_WORKER, queue, at.isoformat()),
        kind=NoticeKind.NO_WORKER,
        at=at,
        subject=queue,
        title=f"Nobody polls {queue}",
        text=f"{text[:1].upper()}{text[1:]}: runs wait until a worker is started.",
        commands=(start.strip("`"), "hydra cluster status"),
    )


def render_text(notice: Notice) -> str:
    """Return a notice as plain text, in which nothing steers a terminal."""
    lines = [notice.title, ""]
    lines += [notice.text, ""] if notice.text and notice.text != notice.title else []
    lines += [f"{fact.label}: {fact.text}" for fact in notice.facts]
    lines += [f"Run: {notice.run}"] if notice.run else []
    lines += [f"Repository: {notice.repository}"] if notice.repository else []
    lines += ["", *(f"    {command}" for command in notice.commands)] if notice.commands else []
    lines += ["", notice.diff.rstrip("\n")] if notice.diff else []
    return escape_controls("\n".join(lines)) + f"\n\nNotice {notice.id}\n"


def _show(run: Genealogy) -> str:
    return format_command("hydra", "show", run.run_id)


def _tell(run: Genealogy, kind: NoticeKind, at: datetime, title: str, *, key: object, **more: object) -> Notice:
    fields = {
        "id": make_notice_id(kind, run.run_id, key),
        "kind": kind,
        "at": at,
        "subject": run.run_id,
        "title": title,
        "run": run.run_id,
        "repository": run.repository_name,
    }
    return Notice.model_validate({**fields, **more})
