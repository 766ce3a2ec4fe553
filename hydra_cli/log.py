"""`hydra log`: everything a run did, as JSON lines, and what was said to and by its models."""

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
from hydranet import settings
from hydranet.contracts import ArtifactRef
from hydranet.genealogy import Ending, Genealogy


def log(
    run: Annotated[str, typer.Argument(help="The run, or a part of its id; the latest one when left out.")] = "",
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Only the model calls, each with its prompt and answer.")
    ] = False,
    attempts: Annotated[
        bool, typer.Option("--attempts", help="Only the attempts, as `hydra score` reads them.")
    ] = False,
) -> None:
    """Print a run's history as JSON lines, oldest first."""
    asyncio.run(_log(run, transcript=transcript, attempts=attempts))


async def _log(run: str, *, transcript: bool, attempts: bool) -> None:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(run)
        if attempts:
            for line in _attempts(await session.genealogy(run_id)):
                typer.echo(json.dumps(line, ensure_ascii=False))
            return
        entries = [entry async for entry in _entries(session, run_id)]
        entries.sort(key=lambda entry: str(entry["time"]))
        if not transcript:
            for entry in entries:
                typer.echo(json.dumps(entry, ensure_ascii=False))
            return
        async with open_database(session.stack.database) as pool:
            artifacts = PostgresArtifacts(pool)
            for entry in entries:
                result = entry.get("result")
                if isinstance(result, dict) and (ref := result.get("transcript")):
                    said = await artifacts.get(ArtifactRef.model_validate(ref))
                    typer.echo(json.dumps({"time": entry["time"], **json.loads(said)}, ensure_ascii=False))


def _attempts(genealogy: Genealogy) -> Iterator[dict[str, Any]]:
    """The facts each attempt was scored by, oldest first, and the score it got."""
    made = [(attempt.after, branch, attempt) for branch in genealogy.branches for attempt in branch.attempts]
    for _, branch, attempt in sorted(made, key=lambda one: one[0]):
        yield {
            "branch": f"b{branch.number:02d}",
            **attempt.facts.model_dump(mode="json", exclude_defaults=True),
            "last": branch.ending is not Ending.RUNNING and attempt is branch.attempts[-1],
            "score": attempt.score.value,
        }


async def _entries(session: Session, workflow_id: str) -> AsyncIterator[dict[str, Any]]:
    """One entry per event worth reading, of the run and of its branches."""
    handle = session.client.get_workflow_handle(workflow_id)
    calls: dict[int, dict[str, Any]] = {}
    async for event in handle.fetch_history_events():
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                calls[event.event_id] = await _scheduled(handle, event)
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                child = event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
                yield _entry(workflow_id, event, "branch started", branch=child)
                async for entry in _entries(session, child):
                    yield entry
            case _:
                other = await _other(session, workflow_id, event, calls)
                if other is not None:
                    yield other


async def _scheduled(handle: WorkflowHandle[Any, Any], event: HistoryEvent) -> dict[str, Any]:
    attributes = event.activity_task_scheduled_event_attributes
    return {
        "workflow": handle.id,
        "call": attributes.activity_type.name,
        "queue": attributes.task_queue.name,
        "scheduled": event.event_time.ToDatetime(UTC).isoformat(),
    }


async def _other(
    session: Session, workflow_id: str, event: HistoryEvent, calls: dict[int, dict[str, Any]]
) -> dict[str, Any] | None:
    decode = session.client.data_converter.decode
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            started = event.workflow_execution_started_event_attributes
            return _entry(workflow_id, event, "started", request=(await decode(started.input.payloads))[0])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            signal = event.workflow_execution_signaled_event_attributes
            arguments = await decode(signal.input.payloads)
            return _entry(workflow_id, event, "signal", signal=signal.signal_name, arguments=arguments)
        case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            results = await decode(done.result.payloads) if done.HasField("result") else [None]
            return _entry(workflow_id, event, "completed", **calls[done.scheduled_event_id], result=results[0])
        case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            failed = event.activity_task_failed_event_attributes
            return _entry(
                workflow_id, event, "failed", **calls[failed.scheduled_event_id], error=failed.failure.message
            )
        case EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
            cancelled = event.activity_task_canceled_event_attributes
            return _entry(workflow_id, event, "cancelled", **calls[cancelled.scheduled_event_id])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            result = event.workflow_execution_completed_event_attributes.result.payloads
            return _entry(workflow_id, event, "ended", result=(await decode(result))[0])
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return _entry(workflow_id, event, "ended", result=None)
        case _:
            return None


def _entry(workflow_id: str, event: HistoryEvent, what: str, **more: Any) -> dict[str, Any]:
    return {
        "time": event.event_time.ToDatetime(UTC).isoformat(),
        "event": what,
        **{"workflow": workflow_id, **more},
    }
