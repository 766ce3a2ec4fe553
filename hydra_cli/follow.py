"""Following a run: a live tree in a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from hydra_cli.lines import list_changes
from hydra_cli.session import Session
from hydra_cli.tree import render_tree
from hydranet.contracts import RunResult
from hydranet.genealogy import Genealogy
from hydranet.text.escaping import escape_controls

_POLL_SECONDS = 0.4
_PARKED_EVERY = 8

# The live tree must fit the screen: earlier branches show as one line each until the run ends.
_RECENT = 2


async def follow(session: Session, run_id: str, *, quiet: bool = False) -> RunResult:
    """Show the run until it ends, and return its result."""
    console = Console()
    if quiet:
        return await session.run_handle(run_id).result()
    if console.is_terminal:
        await _live(session, run_id, console)
    else:
        await _plain(session, run_id, console)
    return await session.run_handle(run_id).result()


async def _live(session: Session, run_id: str, console: Console) -> None:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        async for genealogy, parked in _watch(session, run_id):
            waiting = [Text(escape_controls(f"waiting: {text}"), "yellow") for text in parked]
            clock = Text(f"{time.monotonic() - began:.0f} s", "dim")
            live.update(Group(render_tree(genealogy, recent=_RECENT), *waiting, clock))
    console.print(render_tree(await session.genealogy(run_id)))


async def _plain(session: Session, run_id: str, console: Console) -> None:
    before: Genealogy | None = None
    told: list[str] = []
    async for genealogy, parked in _watch(session, run_id):
        for line in list_changes(before, genealogy):
            console.print(escape_controls(line), markup=False, highlight=False, soft_wrap=True)
        for text in parked:
            if text not in told:
                console.print(escape_controls(f"waiting: {text}"), markup=False, highlight=False, soft_wrap=True)
        before, told = genealogy, parked


async def _watch(session: Session, run_id: str) -> AsyncIterator[tuple[Genealogy, list[str]]]:
    """The genealogy and what the run waits for, again and again, the last time with the verdict."""
    ended = asyncio.create_task(session.run_handle(run_id).result())
    task = asyncio.current_task()
    assert task is not None
    try:
        turn, parked = 0, list[str]()
        while not ended.done():
            try:
                genealogy = await session.run_handle(run_id).query("genealogy", result_type=Genealogy)
                if turn % _PARKED_EVERY == 0:
                    parked = await session.list_parked(run_id)
                yield genealogy, parked
            except (RPCError, WorkflowQueryFailedError):
                pass  # A worker or the server is restarting: the run itself waits in its database.
            if task.cancelling():
                raise asyncio.CancelledError  # A Ctrl-C met a call, which swallowed it.
            turn += 1
            await asyncio.wait([ended], timeout=_POLL_SECONDS)
        yield await session.genealogy(run_id), []
    finally:
        ended.cancel()
