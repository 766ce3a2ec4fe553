"""The entries of a run's log as they come about, from Temporal's history of the run and its branches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.history.events import Entry, describe_call, make_entry, read_event

# What is there already comes in pages and from several workflows at once: it is sorted as far as it comes together.
_QUIET_SECONDS = 0.25
_LATEST_SECONDS = 2.0

_Execution = tuple[str, str]
_Places = dict[_Execution, int]
_Item = tuple[_Execution, int, Entry]


class EntryStream:
    """The log of an open run, which may be read on with another client once a connection was lost."""

    def __init__(self, workflow_id: str) -> None:
        self._workflow_id = workflow_id
        self._read: _Places = {}

    async def read(self, client: Client) -> AsyncGenerator[list[Entry], None]:
        """Yield the entries that come together, the oldest first, until the run has ended.

        Those that were yielded before are left out. Raises RPCError where the server does not answer.
        """
        reading = _Reading(client, self._read)
        reading.start(self._workflow_id, "")
        try:
            while batch := await reading.collect():
                for execution, number, _ in batch:
                    self._read[execution] = max(number, self._read.get(execution, 0))
                yield [entry for _, _, entry in batch]
        finally:
            await reading.end()


class _Reading:
    """The histories of a run and its branches, which are read at the same time."""

    def __init__(self, client: Client, read: _Places) -> None:
        self._client = client
        self._read = dict(read)
        self._queue: asyncio.Queue[_Item | None] = asyncio.Queue()
        self._tasks: dict[_Execution, asyncio.Task[None]] = {}

    def start(self, workflow_id: str, run: str) -> None:
        if (workflow_id, run) not in self._tasks:
            task = asyncio.create_task(self._follow(workflow_id, run))
            self._tasks[workflow_id, run] = task
            task.add_done_callback(self._notice_end)

    async def collect(self) -> list[_Item]:
        """Return what comes next, with what comes together with it; nothing once all have ended."""
        if (first := await self._queue.get()) is None:
            for task in self._tasks.values():
                if task.done():
                    task.result()
            return []
        batch = [first]
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATEST_SECONDS):
                while (item := await asyncio.wait_for(self._queue.get(), _QUIET_SECONDS)) is not None:
                    batch.append(item)
                self._queue.put_nowait(None)
        return sorted(batch, key=lambda item: str(item[2]["time"]))

    async def end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _notice_end(self, task: asyncio.Task[None]) -> None:
        failed = not task.cancelled() and task.exception() is not None
        if failed or all(each.done() for each in self._tasks.values()):
            self._queue.put_nowait(None)

    async def _follow(self, workflow_id: str, run: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id, run_id=run or None)
        known, calls = self._read.get((workflow_id, run), 0), dict[int, Entry]()
        async for event in handle.fetch_history_events(wait_new_event=True):
            entry = None
            match event.event_type:
                case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                    calls[event.event_id] = describe_call(workflow_id, event)
                case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                    child = event.child_workflow_execution_started_event_attributes.workflow_execution
                    entry = make_entry(workflow_id, event, "branch started", branch=child.workflow_id)
                    self.start(child.workflow_id, child.run_id)
                case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                    attributes = event.workflow_execution_continued_as_new_event_attributes
                    self.start(workflow_id, attributes.new_execution_run_id)
                case _ if event.event_id > known:
                    entry = await read_event(self._client, workflow_id, event, calls)
            if entry is not None and event.event_id > known:
                self._queue.put_nowait(((workflow_id, run), event.event_id, entry))
