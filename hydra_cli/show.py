"""`hydra show`: a run as a tree of branches and attempts, as JSON, as checkpoints like `git log`, or as patches."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from hydra_cli.attempt_diff import show_diff, split_names
from hydra_cli.run_archive import check_export, export_run
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console, plain, print_plain, write_json_text, write_line
from hydra_cli.tree import render_tree
from hydra_cli.waiting import print_proposal
from hydranet import checkpoint as checkpoints
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy
from hydranet.lineage import AttemptKey
from hydranet.report.question import ask_question


def show(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    attempts: Annotated[
        list[str] | None, typer.Argument(help="With --diff: one attempt, such as b02/3, or two to compare.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the run's record as JSON.")] = False,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="List the attempts as commits, as `git log` does.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff", help="Print the patch of an attempt, by default of the one that passes, or else of the best."
        ),
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="The file to write the whole run to, for `hydra import` on another machine.")
    ] = None,
) -> None:
    """Show a run as a tree: every branch and attempt, with scores and reasons."""
    if sum((json, checkpoint, diff, export is not None)) > 1:
        raise UsageError("--json, --checkpoint, --diff and --export each show a run in another way: give one of them.")
    if attempts and not diff:
        raise UsageError("Attempts are named, of which only --diff shows something: add it, or leave them out.")
    if diff:
        asyncio.run(_show_diff(*split_names(run, attempts or ())))
        return
    if export is not None:
        check_export(export)
    asyncio.run(_show(run, json=json, checkpoint=checkpoint, export=export))


async def _show_diff(run: str, keys: list[AttemptKey]) -> None:
    async with attach_session(settings.load_settings()) as session:
        await show_diff(session, await session.genealogy(await session.find_run(run)), keys)


async def _show(run: str, *, json: bool, checkpoint: bool, export: Path | None) -> None:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        if export is not None:
            await export_run(session, run_id, export)
            return
        genealogy = await session.genealogy(run_id)
        if json:
            write_json_text(genealogy.model_dump_json(indent=1))
            return
        console = make_console()
        if checkpoint:
            console.print(_render_checkpoints(genealogy), soft_wrap=True)
            return
        console.print(render_tree(genealogy, terms=True))
        is_gone = await session.find_status(run_id) is None
        question = ask_question(genealogy)
        # A run that is gone waits for nobody, whatever its record was last.
        if question is not None and not (is_gone and genealogy.waits):
            print_plain(console, question.text, "bold yellow")
            print_proposal(console, question)
        if is_gone:
            write_line("Temporal does not have this run, or no longer: it is shown from its record.")
            return
        if genealogy.verdict is None:
            for text in await session.list_parked(run_id):
                print_plain(console, f"waiting: {text}", "yellow")
        if page := session.stack.workflow_url(run_id):
            write_line(f"Web UI  {page}")


def _render_checkpoints(genealogy: Genealogy) -> RenderableType:
    texts = [
        text
        for branch in genealogy.branches
        for attempt in branch.attempts
        for text in _checkpoint(genealogy.run_id, branch, attempt)
    ]
    return Group(*texts) if texts else Text("No attempt has been made yet.")


def _checkpoint(run_id: str, branch: BranchRecord, attempt: AttemptRecord) -> Iterator[Text]:
    name = f"hydra/{run_id}/{checkpoints.format_name(branch.number, attempt.number)}"
    commit = plain(attempt.checkpoint[:12], "yellow") if attempt.checkpoint else plain("no commit", "dim")
    yield Text.assemble(plain(name, "bold"), "  ", commit)
    yield plain(indent(checkpoints.format_message(branch.number, branch.strategy.title, attempt), "    ") + "\n")
