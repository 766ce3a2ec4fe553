"""Temporal's history of a run and its branches as the entries of a log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from activities.waits.failures import read_message
from hydranet.errors import UsageError

# The messages of people, each with the place of its sender among the arguments.
_SENDERS = {"pause": 0, "resume": 0, "approve": 0, "reject": 0, "abort": 1, "override": 1, "reap": 2, "suggest": 2}

Entry = dict[str, Any]
"""One thing that happened: `time`, `event`, `workflow`, and the facts of its kind."""


async def list_entries(client: Client, workflow_id: str) -> list[Entry]:
    """Return what a run and its branches did, oldest first; RPCError NOT_FOUND where Temporal knows no such run."""
    entries = [entry async for entry in _read_workflow(client, workflow_id)]
    return sorted(entries, key=lambda entry: str(entry["time"]))


def make_end(workflow_id: str, at: datetime, result: Any) -> Entry:
    """Return the last entry of a run, which its history does not hold before it has ended."""
    return {"time": at.astimezone(UTC).isoformat(), "event": "ended", "workflow": workflow_id, "result": result}


async def _read_workflow(client: Client, workflow_id: str, run: str | None = None) -> AsyncIterator[Entry]:
    handle = client.get_workflow_handle(workflow_id, run_id=run)
    calls: dict[int, Entry] = {}
    async for event in handle.fetch_history_events():
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                calls[event.event_id] = describe_call(workflow_id, event)
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                child = event.child_workflow_execution_started_event_attributes.workflow_execution
                yield make_entry(workflow_id, event, "branch started", branch=child.workflow_id)
                async for entry in _read_workflow(client, child.workflow_id, child.run_id):
                    yield entry
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                attributes = event.workflow_execution_continued_as_new_event_attributes
                async for entry in _read_workflow(client, workflow_id, attributes.new_execution_run_id):
                    yield entry
            case _:
                if (known := await read_event(client, workflow_id, event, calls)) is not None:
                    yield known


def describe_call(workflow_id: str, event: HistoryEvent) -> Entry:
    """Return the facts of a call that a workflow makes, for when it is known what came of it."""
    attributes = event.activity_task_scheduled_event_attributes
    return {
        "workflow": workflow_id,
        "call": attributes.activity_type.name,
        "queue": attributes.task_queue.name,
        "scheduled": event.event_time.ToDatetime(UTC).isoformat(),
    }


async def read_event(client: Client, workflow_id: str, event: HistoryEvent, calls: dict[int, Entry]) -> Entry | None:
    """Return the entry of an event, None where a log has none; `calls` are those under way by their events."""
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            started = event.workflow_execution_started_event_attributes
            return make_entry(workflow_id, event, "started", request=await _open_first(client, started.input))
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            signal = event.workflow_execution_signaled_event_attributes
            arguments = await _open(client, signal.input)
            facts = {
                "signal": signal.signal_name,
                **_find_sender(signal.signal_name, arguments),
                "arguments": arguments,
            }
            return make_entry(workflow_id, event, "signal", **facts)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            update = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
            arguments = await _open(client, update.args)
            facts = {"update": update.name, **_find_sender(update.name, arguments), "arguments": arguments}
            return make_entry(workflow_id, event, "update", **facts)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            result = await _open_first(client, done.result)
            return make_entry(workflow_id, event, "completed", **calls[done.scheduled_event_id], result=result)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            failed = event.activity_task_failed_event_attributes
            error = await read_message(client, failed.failure)  # A worker's words are sealed.
            return make_entry(workflow_id, event, "failed", **calls[failed.scheduled_event_id], error=error)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
            cancelled = event.activity_task_canceled_event_attributes
            return make_entry(workflow_id, event, "cancelled", **calls[cancelled.scheduled_event_id])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            result = await _open_first(client, event.workflow_execution_completed_event_attributes.result)
            return make_entry(workflow_id, event, "ended", result=result)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return make_entry(workflow_id, event, "ended", result=None)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
            return make_entry(workflow_id, event, "ended", result=None)
        case _:
            return None


async def _open(client: Client, sealed: Payloads) -> list[Any]:
    try:
        return await client.data_converter.decode(sealed.payloads)
    except UsageError as error:
        # A stranger sent it, or its key is gone: the rest of the log can be read.
        return [{"unreadable": str(error)}]


async def _open_first(client: Client, sealed: Payloads) -> Any:
    return next(iter(await _open(client, sealed)), None)


def _find_sender(message: str, arguments: list[Any]) -> dict[str, str]:
    """Return who sent a person's message, as it states them; nothing for a message of a branch or a stranger."""
    place = _SENDERS.get(message)
    if place is None or len(arguments) <= place or not isinstance(arguments[place], str):
        return {}
    return {"sender": arguments[place]}


def make_entry(workflow_id: str, event: HistoryEvent, kind: str, **facts: Any) -> Entry:
    """Return an entry about an event of a workflow."""
    # The facts of a call name the workflow that made it.
    return {
        "time": event.event_time.ToDatetime(UTC).isoformat(),
        "event": kind,
        **{"workflow": workflow_id, **facts},
    }
