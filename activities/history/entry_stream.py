"""The entries of a run's log as they come about, from Temporal's history of the run and its branches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.history.events import Entry, describe_call, make_entry, read_event

# What is there already comes in pages and from several workflows at once: it is sorted as far as it comes together.
_QUIET_SECONDS = 0.25
_LATEST_SECONDS = 2.0


class EntryStream:
    """The log of an open run, which may be read on with another client once a connection was lost."""

    def __init__(self, workflow_id: str) -> None:
        self._workflow_id = workflow_id
        self._read: dict[tuple[str, str], int] = {}
        self._queue: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._readers: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def read(self, client: Client) -> AsyncIterator[list[Entry]]:
        """Yield the entries that come together, the oldest first, until the run has ended.

        Those that were yielded before are left out. Raises RPCError where the server does not answer.
        """
        self._queue = asyncio.Queue()
        self._start(client, self._workflow_id, "")
        try:
            while (entry := await self._queue.get()) is not None:
                batch = [entry, *await self._collect()]
                yield sorted(batch, key=lambda entry: str(entry["time"]))
            for reader in self._readers.values():
                if reader.done():
                    reader.result()
        finally:
            for reader in self._readers.values():
                reader.cancel()
            await asyncio.gather(*self._readers.values(), return_exceptions=True)
            self._readers.clear()

    async def _collect(self) -> list[Entry]:
        batch: list[Entry] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATEST_SECONDS):
                while (entry := await asyncio.wait_for(self._queue.get(), _QUIET_SECONDS)) is not None:
                    batch.append(entry)
                self._queue.put_nowait(None)
        return batch

    def _start(self, client: Client, workflow_id: str, run: str) -> None:
        if (workflow_id, run) not in self._readers:
            reader = asyncio.create_task(self._follow(client, workflow_id, run))
            self._readers[workflow_id, run] = reader
            reader.add_done_callback(self._end)

    def _end(self, reader: asyncio.Task[None]) -> None:
        failed = not reader.cancelled() and reader.exception() is not None
        if failed or all(each.done() for each in self._readers.values()):
            self._queue.put_nowait(None)

    async def _follow(self, client: Client, workflow_id: str, run: str) -> None:
        handle = client.get_workflow_handle(workflow_id, run_id=run or None)
        known, calls = self._read.get((workflow_id, run), 0), dict[int, Entry]()
        async for event in handle.fetch_history_events(wait_new_event=True):
            entry = None
            match event.event_type:
                case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                    calls[event.event_id] = describe_call(workflow_id, event)
                case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                    child = event.child_workflow_execution_started_event_attributes.workflow_execution
                    entry = make_entry(workflow_id, event, "branch started", branch=child.workflow_id)
                    self._start(client, child.workflow_id, child.run_id)
                case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                    attributes = event.workflow_execution_continued_as_new_event_attributes
                    self._start(client, workflow_id, attributes.new_execution_run_id)
                case _ if event.event_id > known:
                    entry = await read_event(client, workflow_id, event, calls)
            if event.event_id > known:
                self._read[workflow_id, run] = event.event_id
                if entry is not None:
                    self._queue.put_nowait(entry)
