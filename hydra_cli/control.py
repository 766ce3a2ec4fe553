"""`hydra pause|resume|abort|override|reap|approve|reject`: signals to a run."""

import asyncio
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowExecutionStatus

from hydra_cli.session import attach_session
from hydranet import settings
from hydranet.contracts import ReapRequest
from hydranet.errors import UsageError

Run = Annotated[str, typer.Argument(help="The run: its id, or a part of it that names no other.")]
_ABORT_SECONDS = 60


def pause(run: Run) -> None:
    """Begin no further step; a step that is under way finishes."""
    _send(run, "pause", outcome="is paused: `hydra resume` goes on")


def resume(run: Run) -> None:
    """Go on after a pause."""
    _send(run, "resume", outcome="goes on")


def abort(run: Run, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "") -> None:
    """End the run, cancel what is under way, publish nothing."""
    _send(run, "abort", reason, outcome="is aborted", wait=True)


def override(
    run: Run, instruction: Annotated[str, typer.Argument(help="What the next plan must take into account.")]
) -> None:
    """Put an instruction into the next plan or reflection."""
    if not instruction.strip():
        raise UsageError("The instruction is empty: say what the next plan must take into account.")
    _send(run, "override", instruction[:1500], outcome="takes the instruction into its next plan or reflection")


def reap(
    run: Run,
    branch: Annotated[int, typer.Option(help="The branch's number; 0 is the one that is running.")] = 0,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """End a branch by hand and force the next strategy."""
    evidence = f"Reaped by hand: {reason}" if reason else "Reaped by hand."
    request = ReapRequest(branch=branch, evidence=evidence, by_hand=True)
    _send(run, "reap", request, outcome="gives that branch up for the next strategy")


def approve(run: Run) -> None:
    """Let the verified fix be published."""
    _send(run, "approve", outcome="publishes the fix")


def reject(run: Run) -> None:
    """Refuse the verified fix; the search goes on."""
    _send(run, "reject", outcome="goes on without that fix")


def _send(run: str, signal: str, *arguments: Any, outcome: str, wait: bool = False) -> None:
    run_id = asyncio.run(_signal(run, signal, arguments, wait))
    typer.echo(f"{run_id} {outcome}.")


async def _signal(run: str, signal: str, arguments: tuple[Any, ...], wait: bool) -> str:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        if (await session.describe(run_id)).status is not WorkflowExecutionStatus.RUNNING:
            raise UsageError(f"The run {run_id} has ended: see `hydra show {run_id}`.")
        handle = session.run_handle(run_id)
        await handle.signal(signal, args=list(arguments))
        if wait:
            try:
                await asyncio.wait_for(handle.result(), _ABORT_SECONDS)
            except TimeoutError:
                raise UsageError(
                    f"{run_id} has not ended in {_ABORT_SECONDS} seconds: `hydra show {run_id}` says what it waits for."
                ) from None
        return run_id
