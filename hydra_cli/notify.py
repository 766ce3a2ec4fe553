"""`hydra notify`: whom notices go to, what waits to be delivered, and a notice that tries the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from activities.waits.failures import read_message
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.contracts import NOTICE_WORKFLOW, SUPERVISOR_QUEUE, NoticeRequest
from hydranet.errors import UsageError
from hydranet.names import name_notice_queue
from hydranet.notice import EVENTS, Notice, NoticeKind, make_notice_id
from hydranet.notify_settings import NotifyTarget, name_target
from hydranet.text.formatting import format_count, join_words
from workers.farewell import OPEN_NOTICES
from workers.notices import name_delivery

GROUP = typer.Typer(
    name="notify",
    no_args_is_help=True,
    add_completion=False,
    help="Show whom notices go to, and try it: webhooks, e-mail, the desktop, programs.",
)

_ANSWER = timedelta(seconds=120)
# More are counted and not looked at.
_LISTED = 20


@GROUP.command("test")
def send_test(target: Annotated[str, typer.Argument(help="The target's name; by default all are tried.")] = "") -> None:
    """Send a test notice, once, by way of the stack as every notice goes."""
    chosen = settings.load_settings()
    targets = [each for each in chosen.notify if target in ("", name_target(each))]
    if not targets:
        known = join_words([name_target(each) for each in chosen.notify])
        if not known:
            raise UsageError("The settings name nobody to tell: add a target to 'notify' (docs/how-to/notices.md).")
        raise UsageError(f"There is no target {target}: name one of {known}.")
    if problems := asyncio.run(_test(targets)):
        raise UsageError(f"{format_count(problems, 'target')} took no notice: `hydra doctor` checks their settings.")


@GROUP.command("list")
def list_targets() -> None:
    """List the targets, what each is told of, and the notices that wait to be delivered."""
    chosen = settings.load_settings()
    if not chosen.notify:
        write_line("The settings name nobody to tell: see docs/how-to/notices.md.")
        return
    for target in chosen.notify:
        events = "everything" if target.events == EVENTS else ", ".join(target.events)
        write_line(f"{name_target(target)}  {target.kind}  {events}")
    asyncio.run(_list_waiting())


async def _test(targets: Sequence[NotifyTarget]) -> int:
    """Return how many targets took no notice."""
    now = datetime.now(UTC)
    notice = Notice(
        id=make_notice_id(NoticeKind.TEST, now.isoformat()),
        kind=NoticeKind.TEST,
        at=now,
        subject="hydra notify test",
        title="A test notice of HydraNet",
        text="Notices of runs and nodes come the same way.",
        commands=("hydra notify list",),
    )
    async with attach_session(settings.load_settings()) as session:
        problems = 0
        for target in targets:
            problem = await _send(session, notice, target)
            problems += bool(problem)
            write_line(f"{name_target(target)}: {problem or 'delivered'}")
        return problems


async def _send(session: Session, notice: Notice, target: NotifyTarget) -> str:
    """Have a target told, and return why it was not, if it was not."""
    queue = name_notice_queue(session.host.id)
    request = NoticeRequest(notice=notice, target=name_target(target), queue=queue, once=True)
    try:
        reason: str = await asyncio.wait_for(
            session.client.execute_workflow(
                NOTICE_WORKFLOW,
                request,
                id=name_delivery(notice, target),
                task_queue=SUPERVISOR_QUEUE,
                result_type=str,
                execution_timeout=_ANSWER,
            ),
            _ANSWER.total_seconds(),
        )
    except (WorkflowFailureError, RPCError, TimeoutError):
        return "no supervisor of this machine delivered it: start one (`hydra up`, or `hydra worker supervisor`)"
    return reason


async def _list_waiting() -> None:
    async with attach_session(settings.load_settings()) as session:
        waiting = [run.id async for run in session.client.list_workflows(OPEN_NOTICES, limit=_LISTED + 1)]
        for workflow_id in waiting[:_LISTED]:
            if text := await _describe(session.client, workflow_id):
                write_line(text)
        if len(waiting) > _LISTED:
            write_line(f"More than {_LISTED} notices wait.")


async def _describe(client: Client, workflow_id: str) -> str:
    """Return what waits to be delivered, and why; empty where it has been delivered meanwhile."""
    description = await client.get_workflow_handle(workflow_id).describe()
    for step in description.raw_description.pending_activities:
        reason = await read_message(client, step.last_failure) if step.last_failure.message else "it is under way"
        return f"waits  {await description.static_summary() or workflow_id} (try {step.attempt}): {reason}"
    return ""
