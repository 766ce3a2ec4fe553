"""`hydra clean`: remove now what is older than the settings keep it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer
from temporalio.client import WorkflowFailureError

from hydra_cli.session import attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.contracts import SUPERVISOR_QUEUE, SWEEP_WORKFLOW, Removal, Sweep, SweepRequest
from hydranet.errors import UsageError
from hydranet.text.formatting import format_size
from workers.nodes import NodeReader

_LONGEST = timedelta(hours=1)


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, and tell what would be.")] = False,
) -> None:
    """Remove what is older than the settings keep it: runs, artifacts, checkpoints, caches, environments."""
    asyncio.run(_clean(SweepRequest(dry_run=dry_run)))


async def _clean(request: SweepRequest) -> None:
    async with attach_session(settings.load_settings()) as session:
        if not (await NodeReader(session.client).read_surely()).list_alive(SUPERVISOR_QUEUE):
            raise UsageError("No supervisor works, which would do it: start one with `hydra worker supervisor`.")
        try:
            sweep: Sweep = await session.client.execute_workflow(
                SWEEP_WORKFLOW,
                request,
                id=f"clean-{uuid.uuid4().hex}",
                task_queue=SUPERVISOR_QUEUE,
                result_type=Sweep,
                execution_timeout=_LONGEST,
            )
        except WorkflowFailureError as error:
            raise UsageError(f"It could not be cleaned up ({error.cause or error}): see `hydra doctor`.") from None
    write_line("Would be removed:" if request.dry_run else "Removed:")
    write_line("\n".join(_list_lines(sweep)))


def _list_lines(sweep: Sweep) -> Iterator[str]:
    yield f"  records  {_describe(sweep.records)}"
    for node in sweep.nodes:
        yield f"  {node.node}  {_describe(node.removals)}{f' ({node.problem})' if node.problem else ''}"


def _describe(removals: tuple[Removal, ...]) -> str:
    parts = (
        f"{removal.count:,} {removal.what}{f' ({format_size(removal.size)})' if removal.size else ''}"
        for removal in removals
        if removal.count
    )
    return ", ".join(parts) or "nothing is too old"
