"""`hydra log`: the history of a run as JSON lines, or the transcript of its models."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from typing import Annotated, Any

import typer
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from activities.artifacts.database import open_database
from activities.artifacts.store import PostgresArtifacts
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_json
from hydranet import settings
from hydranet.contracts import ArtifactRef
from hydranet.genealogy import Ending, Genealogy


def log(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Print only the calls of models, with prompts and answers.")
    ] = False,
    attempts: Annotated[bool, typer.Option("--attempts", help="Print only the attempts, for `hydra score`.")] = False,
) -> None:
    """Print a run's history as JSON lines, oldest first."""
    asyncio.run(_log(run, transcript=transcript, attempts=attempts))


async def _log(run: str, *, transcript: bool, attempts: bool) -> None:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        if attempts:
            for line in _list_attempts(await session.genealogy(run_id)):
                write_json(line)
            return
        entries = [entry async for entry in _list_entries(session, run_id)]
        entries.sort(key=lambda entry: str(entry["time"]))
        if not transcript:
            for entry in entries:
                write_json(entry)
            return
        async with open_database(session.stack.database) as pool:
            artifacts = PostgresArtifacts(pool)
            for entry in entries:
                result = entry.get("result")
                if isinstance(result, dict) and (ref := result.get("transcript")):
                    text = await artifacts.get(ArtifactRef.model_validate(ref))
                    write_json({"time": entry["time"], **json.loads(text)})


def _list_attempts(genealogy: Genealogy) -> Iterator[dict[str, Any]]:
    attempts = [(branch, attempt) for branch in genealogy.branches for attempt in branch.attempts]
    for branch, attempt in sorted(attempts, key=lambda pair: pair[1].after):
        yield {
            "branch": f"b{branch.number:02d}",
            **attempt.facts.model_dump(mode="json", exclude_defaults=True),
            "last": branch.ending not in (Ending.RUNNING, Ending.SUSPENDED) and attempt is branch.attempts[-1],
            "score": attempt.score.value,
        }


async def _list_entries(session: Session, workflow_id: str) -> AsyncIterator[dict[str, Any]]:
    handle = session.client.get_workflow_handle(workflow_id)
    calls: dict[int, dict[str, Any]] = {}
    async for event in handle.fetch_history_events():
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                calls[event.event_id] = _describe_call(handle, event)
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                child = event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
                yield _make_entry(workflow_id, event, "branch started", branch=child)
                async for child_entry in _list_entries(session, child):
                    yield child_entry
            case _:
                entry = await _read_event(session, workflow_id, event, calls)
                if entry is not None:
                    yield entry


def _describe_call(handle: WorkflowHandle[Any, Any], event: HistoryEvent) -> dict[str, Any]:
    attributes = event.activity_task_scheduled_event_attributes
    return {
        "workflow": handle.id,
        "call": attributes.activity_type.name,
        "queue": attributes.task_queue.name,
        "scheduled": event.event_time.ToDatetime(UTC).isoformat(),
    }


async def _read_event(
    session: Session, workflow_id: str, event: HistoryEvent, calls: dict[int, dict[str, Any]]
) -> dict[str, Any] | None:
    decode = session.client.data_converter.decode
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            started = event.workflow_execution_started_event_attributes
            return _make_entry(workflow_id, event, "started", request=(await decode(started.input.payloads))[0])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            signal = event.workflow_execution_signaled_event_attributes
            arguments = await decode(signal.input.payloads)
            return _make_entry(workflow_id, event, "signal", signal=signal.signal_name, arguments=arguments)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            update = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
            arguments = await decode(update.args.payloads)
            return _make_entry(workflow_id, event, "update", update=update.name, arguments=arguments)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            results = await decode(done.result.payloads) if done.HasField("result") else [None]
            return _make_entry(workflow_id, event, "completed", **calls[done.scheduled_event_id], result=results[0])
        case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            failed = event.activity_task_failed_event_attributes
            return _make_entry(
                workflow_id, event, "failed", **calls[failed.scheduled_event_id], error=failed.failure.message
            )
        case EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
            cancelled = event.activity_task_canceled_event_attributes
            return _make_entry(workflow_id, event, "cancelled", **calls[cancelled.scheduled_event_id])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            result = event.workflow_execution_completed_event_attributes.result.payloads
            return _make_entry(workflow_id, event, "ended", result=(await decode(result))[0])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return _make_entry(workflow_id, event, "ended", result=None)
        case _:
            return None


def _make_entry(workflow_id: str, event: HistoryEvent, kind: str, **facts: Any) -> dict[str, Any]:
    # The facts of a call name the workflow that made it.
    return {
        "time": event.event_time.ToDatetime(UTC).isoformat(),
        "event": kind,
        **{"workflow": workflow_id, **facts},
    }
