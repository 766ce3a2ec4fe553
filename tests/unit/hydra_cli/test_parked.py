"""What a run waits for, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from hydra_cli.parked import list_waits
from hydranet.names import ROLES_BY_QUEUE, SANDBOX_QUEUE, SUPERVISOR_QUEUE
from workers.nodes import NodeView, NodeWorker


def describe(queue: str) -> DescribeWorkflowExecutionResponse:
    """A run that has waited for twenty seconds for a worker of a queue."""
    description, since = DescribeWorkflowExecutionResponse(), datetime.now(UTC) - timedelta(seconds=20)
    if queue == SUPERVISOR_QUEUE:
        description.pending_workflow_task.state = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
        description.pending_workflow_task.scheduled_time.FromDatetime(since)
        return description
    step = description.pending_activities.add()
    step.state = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    step.activity_type.name = "run_tests"
    step.activity_options.task_queue.name = queue
    step.scheduled_time.FromDatetime(since)
    return description


def view(queue: str, silent: float, *, beats: bool = True) -> NodeView:
    """A worker of a queue that was last heard of so many seconds ago."""
    heard = datetime.now(UTC) - timedelta(seconds=silent)
    worker = NodeWorker("k", "i", ROLES_BY_QUEUE[queue], "gamma", "h", queue, heard)
    return NodeView((worker,), beats=beats)


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        (SUPERVISOR_QUEUE, "no supervisor takes the run, since all are busy"),
        (
            SANDBOX_QUEUE,
            "run_tests: all workers of hydra-sandbox are busy; `hydra worker sandbox` starts another",
        ),
    ],
)
def test_workers_are_called_busy_only_while_they_are_heard_of(queue: str, sentence: str) -> None:
    assert list(list_waits(describe(queue), view(queue, 1.0))) == [sentence]
    assert list(list_waits(describe(queue), view(queue, 8.0))) == [], "it may be lost"
    assert list(list_waits(describe(queue), view(queue, 8.0, beats=False))) == [sentence]
