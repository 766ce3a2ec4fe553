"""`hydra runs` and `hydra show`: what has been tried, from the list of runs to every attempt."""

import asyncio
from typing import Annotated

import typer
from rich.table import Column, Table
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from hydra_cli.checkpoints import render_checkpoints
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console
from hydra_cli.tree import render_tree
from hydranet import settings
from hydranet.contracts import FIX_WORKFLOW


def runs() -> None:
    """List the runs, newest first."""
    asyncio.run(_runs())


async def _runs() -> None:
    table = Table(Column("run", no_wrap=True), "verdict", "branches", "reaped", "convergence", "started", box=None)
    async with attach_session(settings.load_settings()) as session:
        async for run in session.client.list_workflows(f"WorkflowType = '{FIX_WORKFLOW}'"):
            table.add_row(*_row(run))
    make_console().print(table if table.row_count else "There is no run yet: start one with `hydra fix`.")


def _row(run: WorkflowExecution) -> list[str]:
    running = run.status is WorkflowExecutionStatus.RUNNING
    attributes = {pair.key.name: pair.value for pair in run.typed_search_attributes}
    return [
        run.id,
        "running" if running else str(attributes.get("HydraVerdict", run.status.name.lower() if run.status else "")),
        str(attributes.get("HydraBranches", 0)),
        str(attributes.get("HydraReaps", 0)),
        f"{attributes.get('HydraHighestConvergence', 0.0):.2f}",
        run.start_time.astimezone().strftime("%Y-%m-%d %H:%M"),
    ]


def show(
    run: Annotated[str, typer.Argument(help="The run, or a part of its id; the latest one when left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the genealogy as JSON.")] = False,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Print each attempt's commit and what it says, as `git log` would.")
    ] = False,
) -> None:
    """Show a run's genealogy: every branch and attempt, with scores, their terms, and reasons."""
    asyncio.run(_show(run, json=json, checkpoint=checkpoint))


async def _show(run: str, *, json: bool, checkpoint: bool) -> None:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        genealogy = await session.genealogy(run_id)
        if json:
            typer.echo(genealogy.model_dump_json(indent=1))
            return
        output = make_console()
        if checkpoint:
            output.print(render_checkpoints(genealogy), soft_wrap=True)
            return
        output.print(render_tree(genealogy, terms=True))
        if genealogy.verdict is None:
            for text in await session.list_parked(run_id):
                output.print(f"waiting: {text}", style="yellow", markup=False)
        typer.echo(f"Web UI  {session.stack.workflow_url(run_id)}")
