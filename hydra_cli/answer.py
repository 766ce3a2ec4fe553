"""`hydra answer`: say what is right where the tests do not tell two fixes apart."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import typer
from temporalio.client import WorkflowExecutionStatus

from hydra_cli.conclusion import EXIT_CODES, print_conclusion
from hydra_cli.control import Run, ask_run, name_sender
from hydra_cli.run_records import read_log
from hydra_cli.session import Session, attach_session
from hydra_cli.start import list_recorded, start_run
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.contracts import FixRequest, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy, Verdict
from hydranet.settings import Settings
from hydranet.text.escaping import format_command
from workflows.answers import read_answer

_NUMBER = re.compile(r"-\d+$")
_IDENTITY = re.compile(r"fix-.*-[0-9a-f]{8}")


def answer(
    run: Run,
    choice: Annotated[str, typer.Argument(help="What is right: 1 or 2 as they were asked, neither, or unknown.")] = "",
    value: Annotated[
        str | None, typer.Option(help="What is right, as a Python literal: the value that the call returns.")
    ] = None,
) -> None:
    """Say what is right where the tests do not tell two fixes apart.

    After the run has ended, a new one goes on with the fixes that passed.
    """
    if bool(choice) == (value is not None):
        raise UsageError("Say what is right: 1, 2, neither or unknown, or the value itself, as in --value 0.")
    asyncio.run(_answer(run, choice or "value", value or ""))


async def _answer(part: str, choice: str, value: str) -> None:
    chosen = settings.load_settings()
    async with attach_session(chosen, to_work=True) as session:
        run_id = await session.find_run(part)
        if await session.find_status(run_id) is WorkflowExecutionStatus.RUNNING:
            write_line(f"{run_id}: {await ask_run(session.run_handle(run_id), 'answer', [choice, value])}")
            return
        genealogy = await session.genealogy(run_id)
        if genealogy.verdict is not Verdict.AMBIGUOUS or genealogy.question is None:
            raise UsageError(f"The run {run_id} asks nothing: see `{format_command('hydra', 'show', run_id)}`.")
        await _go_on(session, chosen, genealogy, choice, value)


async def _go_on(session: Session, chosen: Settings, genealogy: Genealogy, choice: str, value: str) -> None:
    """Start a run that goes on with the fixes of one that has ended, and follow it."""
    from hydra_cli.follow import follow

    assert genealogy.question is not None
    try:
        answered = read_answer(genealogy.question, choice, value, name_sender())
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not answered.tells:
        raise UsageError(f"The run {genealogy.run_id} has ended with that: its likelier fix is published.")
    request, result = await _read_run(session, genealogy.run_id)
    request = request.model_copy(
        update={"contest": result.contest, "answers": (*genealogy.answers, answered), "questions": 0}
    )
    base = _NUMBER.sub("", genealogy.run_id)
    identity = base if _IDENTITY.fullmatch(base) else genealogy.run_id
    recorded = {*await list_recorded(session, identity), genealogy.run_id}
    run_id, _ = await start_run(session, request, identity, chosen.sandbox.env, recorded)
    write_line(f"{genealogy.run_id}: taken: {answered.sentence}.")
    write_line(f"Run      {run_id}, which goes on with the fixes that passed")
    ended = await follow(session, run_id)
    print_conclusion(session, request.repository_path, await session.genealogy(run_id), ended)
    raise typer.Exit(EXIT_CODES[ended.verdict])


async def _read_run(session: Session, run_id: str) -> tuple[FixRequest, RunResult]:
    """Return how a run was started and how it ended, by its log."""
    entries = await read_log(session, run_id)
    started = next((entry for entry in entries if entry["event"] == "started" and entry["workflow"] == run_id), None)
    ended = next((entry for entry in entries[::-1] if entry["event"] == "ended" and entry["workflow"] == run_id), None)
    try:
        request = FixRequest.model_validate(started and started["request"])
        result = RunResult.model_validate(ended and ended["result"])
    except ValueError:
        result = None
    if result is None or result.contest is None:
        raise UsageError(f"The log of {run_id} is not there any more: start it again with `hydra fix`.")
    return request, result
