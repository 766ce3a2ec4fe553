"""`hydra runs`: the runs, newest first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.service import RPCError, RPCStatusCode

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.names import FIX_WORKFLOW
from hydranet.text.formatting import format_start
from workers.connection import connect_service, missing_namespace
from workers.stack import Stack, attach

if TYPE_CHECKING:
    from activities.history.catalogue import RunFilter

_OPEN = " AND ExecutionStatus = 'Running'"
_HEADINGS = ["run", "verdict", "branches", "reaped", "convergence", "started"]


def runs(
    every: Annotated[
        bool, typer.Option("--all", help="List also the runs that Temporal has forgotten, from their records.")
    ] = False,
    repo: Annotated[str, typer.Option(help="Only runs of a repository: its name, or its folder.")] = "",
    since: Annotated[str, typer.Option(help="Only runs since a date, such as 2026-01-31, or 24h, 7d or 2w ago.")] = "",
    verdict: Annotated[
        str, typer.Option(help="Only runs that ended so: fixed, ambiguous, exhausted, aborted or failed; or running.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="Only runs with these words in issue, target, strategies, reasons or files.")
    ] = "",
) -> None:
    """List the runs, newest first."""
    if not (every or repo or since or verdict or text):
        asyncio.run(_runs())
        return
    # Imported here, since they take longer than the list of Temporal's runs.
    from hydra_cli.recorded_runs import make_filter

    # What Temporal alone knows of, such as a run that was terminated before its first record, fits no filter.
    condition = _OPEN if repo or since or verdict or text else ""
    asyncio.run(_search(make_filter(repo, since, verdict, text), condition))


async def _runs() -> None:
    with attach(settings.load_settings()) as stack:
        rows = [_make_row(run) async for run in _list_runs(stack)]
    write_line(_align([_HEADINGS, *rows]) if rows else "There is no run yet: start one with `hydra fix`.")


async def _search(wanted: RunFilter, condition: str) -> None:
    from hydra_cli.recorded_runs import HEADINGS, list_rows

    with attach(settings.load_settings()) as stack:
        runs = {run.execution.workflow_id: _make_row(run) async for run in _list_runs(stack, condition)}
        rows = await list_rows(stack.database, wanted, runs)
    write_line(_align([HEADINGS, *rows]) if rows else "No run fits.")


async def _list_runs(stack: Stack, condition: str = "") -> AsyncIterator[WorkflowExecutionInfo]:
    chosen = stack.temporal
    service = await connect_service(chosen, embedded=bool(stack.pid))
    query = f"WorkflowType = '{FIX_WORKFLOW}'{condition}"
    request = ListWorkflowExecutionsRequest(namespace=chosen.namespace, query=query)
    while True:
        try:
            page = await service.workflow_service.list_workflow_executions(request, retry=True)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise missing_namespace(chosen.address, chosen.namespace) from None
        for run in page.executions:
            yield run
        if not page.next_page_token:
            return
        request.next_page_token = page.next_page_token


def _make_row(run: WorkflowExecutionInfo) -> list[str]:
    attributes = {name: json.loads(value.data) for name, value in run.search_attributes.indexed_fields.items()}
    status = WorkflowExecutionStatus.Name(run.status).removeprefix("WORKFLOW_EXECUTION_STATUS_").lower()
    return [
        run.execution.workflow_id,
        status if status == "running" else str(attributes.get("HydraVerdict", status)),
        str(attributes.get("HydraBranches", 0)),
        str(attributes.get("HydraReaps", 0)),
        f"{attributes.get('HydraHighestConvergence', 0.0):.2f}",
        format_start(run.start_time.ToDatetime(UTC)),
    ]


def _align(rows: list[list[str]]) -> str:
    # A table of Rich takes a tenth of the command's time to import.
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
