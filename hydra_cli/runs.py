"""`hydra runs`: the runs, newest first."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.service import RPCError, RPCStatusCode

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.names import FIX_WORKFLOW
from workers.connection import connect_service, missing_namespace
from workers.stack import Stack, attach

_HEADINGS = ["run", "verdict", "branches", "reaped", "convergence", "started"]


def runs() -> None:
    """List the runs, newest first."""
    asyncio.run(_runs())


async def _runs() -> None:
    with attach(settings.load_settings()) as stack:
        rows = [_make_row(run) async for run in _list_runs(stack)]
    write_line(_align([_HEADINGS, *rows]) if rows else "There is no run yet: start one with `hydra fix`.")


async def _list_runs(stack: Stack) -> AsyncIterator[WorkflowExecutionInfo]:
    chosen = stack.temporal
    service = await connect_service(chosen, embedded=bool(stack.pid))
    request = ListWorkflowExecutionsRequest(namespace=chosen.namespace, query=f"WorkflowType = '{FIX_WORKFLOW}'")
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
        run.start_time.ToDatetime(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
    ]


def _align(rows: list[list[str]]) -> str:
    # A table of Rich takes a tenth of the command's time to import.
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
