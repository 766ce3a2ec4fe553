"""`hydra watch`: the war room of a run in the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated

import typer

from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.report.wording import describe_verdict
from hydranet.text.formatting import format_start
from workers.outages import OPEN_RUNS


def watch(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the one that is open.")] = "",
) -> None:
    """Watch a run in the terminal as it works, and steer it by keys.

    p pauses, r resumes, a aborts, o overrides, y approves, n rejects; 1, 2, n, v and u answer a question about what
    the code is to do; q leaves, and the run goes on.
    """
    # What draws reads from the first and writes to the last.
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError(
            "A run is watched in a terminal, which this is not: `hydra log --follow` writes what happens to a pipe."
        )
    if os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError("This terminal moves no cursor (TERM=dumb): take another, or `hydra log --follow`.")
    asyncio.run(_watch(run))


async def _watch(part: str) -> None:
    async with attach_session(settings.load_settings()) as session:
        runs = [(await session.find_open_run(part), "")] if part else await list_open(session)
        # Imported here, since it takes longer than to find that there is no such run.
        from hydra_cli.war_room.app import WarRoom

        room = WarRoom(session, runs)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, room.exit)
        await room.run_async(mouse=False)
        if room.failure is not None:
            raise room.failure
        genealogy = room.genealogy
        if genealogy is not None and genealogy.verdict is not None:
            write_line(f"{genealogy.run_id} {describe_verdict(genealogy)}: {genealogy.reason}")
        elif room.run_id:
            write_line(f"{room.run_id} goes on: `hydra watch {room.run_id}` shows it again.")


async def list_open(session: Session) -> list[tuple[str, str]]:
    """Return the open runs with when they began, the newest first. Raises UsageError where there is none."""
    runs = [(run.id, f"since {format_start(run.start_time)}") async for run in session.client.list_workflows(OPEN_RUNS)]
    if not runs:
        raise UsageError("No run is open: start one with `hydra fix`, or see `hydra runs` and `hydra replay`.")
    return runs
