"""What of a run's time passed while a part of the stack was away, as the histories in Temporal show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio import activity
from temporalio.api.enums.v1 import EventType, PendingActivityState, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from activities.artifacts.database import CONNECT_SECONDS
from activities.errors import translate_errors
from activities.waits.failures import read_message
from hydranet.contracts import Wait, Waits
from hydranet.contracts.waits import keep_longest, merge_waits
from hydranet.errors import OUTAGE

# A worker that is there takes a task within milliseconds; one whose slots are full is not there. A run has hundreds of
# tasks, so where many runs share the slots, short waits add up.
_TAKEN_AT_ONCE = timedelta(seconds=0.05)
# Until then the next worker may be about to take it.
_MISSED = timedelta(seconds=1)
# Steps heartbeat twice a second. The server ends the step of a lost worker only after twenty are missing.
_SILENT = timedelta(seconds=3)


class WaitActivities:
    """The activity about a run's waits."""

    @activity.defn
    @translate_errors
    async def measure_waits(self, run_id: str) -> Waits:
        """Return when the run and its branches waited for a worker, or for the database."""
        client, now = activity.client(), datetime.now(UTC)
        run = await _read_workflow(client, run_id, now)
        timelines = [run, *[await _read_workflow(client, branch, now) for branch in run.children]]
        waits = [wait for timeline in timelines for wait in timeline.waits if wait.duration > _TAKEN_AT_ONCE]
        failures = [timeline.failure for timeline in timelines if timeline.failure]
        began = min((wait.began for wait in waits), default=now)
        return Waits(
            waits=keep_longest(merge_waits(waits, began, now)),
            open=any(wait.ended == now and wait.duration > _MISSED for wait in waits),
            failure=await read_message(client, failures[0]) if failures else "",
        )


@dataclass
class _Timeline:
    """The waits in one workflow's history."""

    now: datetime
    waits: list[Wait] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    failure: Failure | None = None
    _scheduled: dict[int, datetime] = field(default_factory=dict)
    _activities: dict[str, datetime] = field(default_factory=dict)
    _task: datetime | None = None

    def read(self, event: HistoryEvent) -> None:
        at = _read_time(event.event_time)
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
                self._task = at
            case EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED if self._task:
                self.waits.append(Wait(began=self._task, ended=at))
                self._task = None
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self._scheduled[event.event_id] = at
                self._activities[event.activity_task_scheduled_event_attributes.activity_id] = at
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                start = event.activity_task_started_event_attributes
                if start.attempt == 1 or _is_outage(start.last_failure):
                    self.waits.append(Wait(began=self._scheduled[start.scheduled_event_id], ended=at))
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                end = event.activity_task_timed_out_event_attributes
                if end.failure.timeout_failure_info.timeout_type == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
                    self.waits.append(Wait(began=self._scheduled[end.scheduled_event_id], ended=at))
            case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                self.children.append(event.start_child_workflow_execution_initiated_event_attributes.workflow_id)

    def add_pending(self, pending: PendingActivityInfo) -> None:
        """Take an activity that has not ended: its start is not in the history yet."""
        began, due = self._activities[pending.activity_id], _read_time(pending.scheduled_time)
        started = _read_time(pending.last_started_time)
        waiting = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        if pending.attempt > 1 and _is_outage(pending.last_failure):
            # A try that has just begun may be waiting for the same again.
            tried = self.now if waiting else min(self.now, started + timedelta(seconds=CONNECT_SECONDS))
            self.waits.append(Wait(began=began, ended=tried))
        elif waiting and self.now - due > _MISSED:
            self.waits.append(Wait(began=due, ended=self.now))
        elif not waiting and pending.attempt == 1:
            self.waits.append(Wait(began=began, ended=started))
            heard = max(started, _read_time(pending.last_heartbeat_time))
            if self.now - heard > _SILENT:
                self.waits.append(Wait(began=heard, ended=self.now))
        elif pending.attempt > 1:
            self.failure = self.failure or pending.last_failure

    def end(self) -> None:
        if self._task:
            self.waits.append(Wait(began=self._task, ended=self.now))


async def _read_workflow(client: Client, workflow_id: str, now: datetime) -> _Timeline:
    handle = client.get_workflow_handle(workflow_id)
    described = (await handle.describe()).raw_description
    timeline = _Timeline(now)
    async for event in _read_events(client, workflow_id, described.workflow_execution_info.first_run_id):
        timeline.read(event)
    timeline.end()
    for pending in described.pending_activities:
        timeline.add_pending(pending)
    return timeline


async def _read_events(client: Client, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
    """Yield the events of a workflow, of those that it continued as too."""
    while run_id:
        continued = ""
        async for event in client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events():
            yield event
            continued = event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        run_id = continued


def _is_outage(failure: Failure) -> bool:
    """Return whether a try failed since its worker was lost, or the database."""
    lost = failure.timeout_failure_info.timeout_type == TimeoutType.TIMEOUT_TYPE_HEARTBEAT
    return lost or failure.application_failure_info.type == OUTAGE


def _read_time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
