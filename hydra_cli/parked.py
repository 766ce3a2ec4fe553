"""What a run that does not go on waits for, in sentences."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from hydranet.contracts import SUPERVISOR_QUEUE
from hydranet.names import ROLES_BY_QUEUE
from workers.nodes import BEAT, NodeView

_LATE_SECONDS = 8.0
# Until then who is lost would be taken for busy.
_BUSY_SECONDS = 13.0
# Who has missed so many may be lost, and is not called busy.
_SILENT_BEATS = 3


def list_waits(description: DescribeWorkflowExecutionResponse, view: NodeView | None) -> Iterator[str]:
    """Yield what a run or a branch waits for: a worker, or a step that fails and is tried again."""
    task = description.pending_workflow_task
    if task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED and _is_late(task.scheduled_time):
        if missing := describe_missing(SUPERVISOR_QUEUE, view):
            yield missing
        elif _is_late(task.scheduled_time, _BUSY_SECONDS) and _are_busy(SUPERVISOR_QUEUE, view):
            yield "no supervisor takes the run, since all are busy"
    for step in description.pending_activities:
        name, queue = step.activity_type.name, step.activity_options.task_queue.name
        waiting = step.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        late = waiting and _is_late(step.scheduled_time)
        lost = step.attempt > 1 and step.last_failure.HasField("timeout_failure_info")
        gone = not waiting and view is not None and view.is_lost(step.last_worker_identity)
        if (late or lost or gone) and (missing := describe_missing(queue, view)):
            yield missing
        elif gone or lost:
            yield f"{name} (try {step.attempt}): its worker was lost"
        elif step.attempt > 1 and step.last_failure.message:
            yield f"{name} (try {step.attempt}): {step.last_failure.message}"
        elif late and _is_late(step.scheduled_time, _BUSY_SECONDS) and _are_busy(queue, view):
            yield f"{name}: all workers of {queue} are busy; {(view or NodeView()).name_start(queue)} starts another"


def _are_busy(queue: str, view: NodeView | None) -> bool:
    """Return whether the workers of a queue are busy, and not silent, so that they may be lost."""
    if view is None or not view.beats:
        return True
    now = datetime.now(UTC)
    return any(now - worker.heard < _SILENT_BEATS * BEAT for worker in view.list_alive(queue))


def describe_missing(queue: str, view: NodeView | None) -> str:
    """Return the sentence about a queue that nobody polls, empty where somebody does or that is not known."""
    # Of a server without heartbeats only the shared queues are known.
    if view is None or not (view.beats or queue in ROLES_BY_QUEUE) or not (missing := view.describe_missing(queue)):
        return ""
    where = "start it again there" if queue not in ROLES_BY_QUEUE else "start one"
    return f"{missing}: {where} ({view.name_start(queue)})"


def _is_late(scheduled: Timestamp, seconds: float = _LATE_SECONDS) -> bool:
    # A worker that is there takes a task within milliseconds, one that has gone keeps its last for ten seconds.
    return time.time() - scheduled.ToMilliseconds() / 1000 > seconds
