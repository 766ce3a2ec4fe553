"""What happens to runs, told to people: a run waits for somebody, a branch is reaped, a budget is spent, a run ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import Error
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from hydranet.genealogy import Genealogy
from hydranet.names import FIX_WORKFLOW
from hydranet.report.notice import list_reaps, tell_budget, tell_end, tell_question
from workers.farewell import LookMarker
from workers.notices import NoticeSender
from workers.run_watch import RunWatch

_EVERY_SECONDS = 1.0
# A server may list a run that has ended some seconds later. One that was told is not told again.
_OVERLAP = timedelta(seconds=30)
_ENDED = f"WorkflowType = '{FIX_WORKFLOW}' AND ExecutionStatus != 'Running'"
_logger = logging.getLogger(__name__)

ReadRun = Callable[[str], Awaitable[Genealogy | None]]
"""Reads the record of a run, None where it has none."""


class RunNotices:
    """A supervisor's watch over runs, for those who are to be told; nothing is looked at while nobody is.

    `read` gives the record of a run that has ended.
    """

    def __init__(self, client: Client, read: ReadRun, sender: NoticeSender, data_dir: Path) -> None:
        self._client = client
        self._read = read
        self._sender = sender
        self._marker = LookMarker(data_dir)
        self._runs = RunWatch(client, self._tell_open)
        self._ended: set[str] = set()
        self._is_first = False

    async def keep(self) -> None:
        """Look at the runs until cancelled."""
        hastened = False
        while True:
            try:
                await self.look()
                if not hastened:
                    await self._sender.hasten()
                    hastened = True
            except (RPCError, Error):
                pass  # The server or the database is away, which others tell.
            except Exception:
                _logger.exception("Nobody is told of runs for now.")
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Have told what has happened since the last look. Raises RPCError and psycopg's errors."""
        began = datetime.now(UTC)
        if not self._sender.list_targets():
            self._marker.remove()
            return
        since = self._marker.read()
        # Who has only now said whom to tell is not told the whole past.
        self._is_first = since is None
        await self._tell_ended((since or began) - _OVERLAP)
        await self._runs.look()
        for run, share in self._runs.list_near_budget():
            await self._sender.send(tell_budget(run, datetime.now(UTC), share))
        self._marker.write(began)

    async def _tell_ended(self, since: datetime) -> None:
        query = f"{_ENDED} AND CloseTime >= '{since.isoformat()}'"
        runs = [run async for run in self._client.list_workflows(query)]
        for run in runs:
            if run.id not in self._ended and not self._is_first:
                await self._tell_end(run)
        self._ended = {run.id for run in runs}

    async def _tell_end(self, run: WorkflowExecution) -> None:
        at = run.close_time or datetime.now(UTC)
        genealogy = await self._read(run.id)
        if genealogy is not None:
            for notice in list_reaps(genealogy, at):
                await self._sender.send(notice)
        status = run.status.name.lower() if run.status else "ended"
        await self._sender.send(tell_end(run.id, at, status, genealogy))

    async def _tell_open(self, _: datetime, genealogy: Genealogy) -> None:
        now = datetime.now(UTC)
        for notice in list_reaps(genealogy, now):
            if self._is_first:
                self._sender.skip(notice)
            await self._sender.send(notice)
        if (question := tell_question(genealogy)) is not None:
            await self._sender.send(question)
