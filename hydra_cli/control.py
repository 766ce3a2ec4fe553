"""`hydra pause|resume|abort|override|suggest|reap|approve|reject`: messages to a run.

What may be refused is an update, whose answer the command prints. What is true whenever it arrives is a signal.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import uuid
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from temporalio.exceptions import FailureError
from temporalio.service import RPCError, RPCStatusCode

from hydra_cli.session import attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.text.escaping import format_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporalio.client import WorkflowHandle

Run = Annotated[str, typer.Argument(help="The run: its id, or a part of it that names no other.")]
_ABORT_SECONDS = 60
# A supervisor that is there takes a message within milliseconds.
_TAKE_SECONDS = 5
# What a reaped branch has under way, such as a test run, is cleaned up first.
_ANSWER_SECONDS = 60


def pause(run: Run) -> None:
    """Begin no further step; a step that is under way finishes."""
    asyncio.run(_signal(run, "pause", [], "is paused: `hydra resume` goes on"))


def resume(run: Run) -> None:
    """Go on after a pause."""
    asyncio.run(_signal(run, "resume", [], "goes on"))


def abort(run: Run, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "") -> None:
    """End the run, cancel what is under way, publish nothing."""
    asyncio.run(_signal(run, "abort", [reason], "is aborted", wait=True))


def override(
    run: Run, instruction: Annotated[str, typer.Argument(help="What the next attempt must take into account.")]
) -> None:
    """Tell the next attempts something: a model reads it, templates go where it says."""
    asyncio.run(_update(run, "override", [instruction]))


def suggest(
    run: Run,
    text: Annotated[str, typer.Argument(help="What is to be changed, and why.")],
    place: Annotated[
        str, typer.Option(help="The place, as FILE:FUNCTION; by default the one that the text names.")
    ] = "",
) -> None:
    """Add a strategy of your own, which gets the next branch."""
    asyncio.run(_update(run, "suggest", [text, place]))


def reap(
    run: Run,
    branch: Annotated[int, typer.Option(help="The branch's number; 0 is the only one that is running.")] = 0,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """End a branch by hand and force the next strategy."""
    asyncio.run(_update(run, "reap", [branch, reason]))


def approve(run: Run) -> None:
    """Let the verified fix be published."""
    asyncio.run(_update(run, "approve", []))


def reject(run: Run) -> None:
    """Refuse the verified fix; the search goes on."""
    asyncio.run(_update(run, "reject", []))


async def tell_run(handle: WorkflowHandle[Any, Any], signal: str, arguments: list[str]) -> None:
    """Send a signal to a run, from who gives the command. Raises UsageError where it has ended."""
    with _refuse_ended(handle):
        await handle.signal(signal, args=[*arguments, name_sender()])


async def ask_run(handle: WorkflowHandle[Any, Any], name: str, arguments: list[Any]) -> str:
    """Send an update to a run, from who gives the command, and return its answer; UsageError as `send_update`."""
    return await send_update(handle, name, [*arguments, name_sender()])


async def send_update(handle: WorkflowHandle[Any, Any], name: str, arguments: list[Any]) -> str:
    """Send an update to a run and return its answer; UsageError when it is refused, or taken by nobody."""
    number = uuid.uuid4().hex
    with _refuse_ended(handle):
        taken = await _start_update(handle, name, arguments, number, _TAKE_SECONDS)
        if taken is None:
            taken = await _withdraw(handle, name, arguments, number)
        if taken is None:
            raise UsageError(
                f"No supervisor took the message to {handle.id} within {_TAKE_SECONDS} seconds, so it was withdrawn "
                "and will have no effect: start one (`hydra up`, or `hydra worker supervisor`) and send it again."
            )
        try:
            return await asyncio.wait_for(taken.result(), _ANSWER_SECONDS)
        except WorkflowUpdateFailedError as error:
            message = error.cause.message if isinstance(error.cause, FailureError) else str(error.cause)
            raise UsageError(message) from None
        except (TimeoutError, RPCTimeoutOrCancelledError):
            return f"The message is taken and not carried out yet: see `{format_command('hydra', 'show', handle.id)}`."


async def _withdraw(
    handle: WorkflowHandle[Any, Any], name: str, arguments: list[Any], number: str
) -> WorkflowUpdateHandle[str] | None:
    """Take an update back; return it when it was taken at the last moment after all.

    The server still has it and would hand it to the next supervisor, whenever that comes: a signal lasts, and is heard
    first. A supervisor that stalls may have the update in hand without the signal, until its task times out.
    """
    await handle.signal("withdraw", number)
    in_hand = await _started_task(handle)
    while True:
        settled = not in_hand or await _started_task(handle) != in_hand
        taken = await _start_update(handle, name, arguments, number, 1)
        if taken is not None or settled:
            return taken


async def _started_task(handle: WorkflowHandle[Any, Any]) -> int:
    """Return when the task began that a supervisor has in hand, in nanoseconds; 0 when it has none."""
    return (await handle.describe()).raw_description.pending_workflow_task.started_time.ToNanoseconds()


async def _start_update(
    handle: WorkflowHandle[Any, Any], name: str, arguments: list[Any], number: str, seconds: float
) -> WorkflowUpdateHandle[str] | None:
    """Return the update once a supervisor has taken or refused it, None when none did."""
    try:
        starting = handle.start_update(
            name,
            args=arguments,
            id=number,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            result_type=str,
            rpc_timeout=timedelta(seconds=seconds),
        )
        return await asyncio.wait_for(starting, seconds)
    except (TimeoutError, RPCTimeoutOrCancelledError):
        return None


@contextmanager
def _refuse_ended(handle: WorkflowHandle[Any, Any]) -> Iterator[None]:
    # A run may end at any moment between the question whether it is open and the last call.
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        show = format_command("hydra", "show", handle.id)
        raise UsageError(f"The run {handle.id} has ended: see `{show}`.") from None


async def _update(run: str, name: str, arguments: list[Any]) -> None:
    async with attach_session(settings.load_settings()) as session:
        handle = session.run_handle(await session.find_open_run(run))
        write_line(f"{handle.id}: {await ask_run(handle, name, arguments)}")


async def _signal(run: str, signal: str, arguments: list[str], effect: str, *, wait: bool = False) -> None:
    async with attach_session(settings.load_settings()) as session:
        handle = session.run_handle(await session.find_open_run(run))
        await tell_run(handle, signal, arguments)
        if wait:
            try:
                await asyncio.wait_for(handle.result(), _ABORT_SECONDS)
            except TimeoutError:
                raise UsageError(
                    f"{handle.id} has not ended in {_ABORT_SECONDS} seconds: "
                    f"`{format_command('hydra', 'show', handle.id)}` says what it waits for."
                ) from None
        write_line(f"{handle.id} {effect}.")


def name_sender() -> str:
    """Return who sends a message: user@host, as this machine knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # In a container a user may have a number only.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
