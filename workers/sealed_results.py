"""What a workflow does with a result that the wrong key sealed or that is none: its activity has failed, in a sentence.

The converter refuses what it reads, which stops a workflow at the same task again and again. An activity may fail,
though, so that a node which answers what it likes, or with the key of another role, ends a step and no more.
"""

from __future__ import annotations

import inspect
import logging
from functools import cache
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import ActivityType, Payload
from temporalio.api.failure.v1 import ActivityFailureInfo, ApplicationFailureInfo, Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker._command_aware_visitor import CommandInfo
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info

from activities.artifacts.records import RecordActivities
from activities.checkpoints.activities import CheckpointActivities, RepositoryActivities
from activities.contests.activities import ContestActivities
from activities.history.activities import HistoryActivities
from activities.inference.activities import InferenceActivities, ModelActivities
from activities.node.activities import NodeActivities
from activities.notices.activities import NoticeActivities
from activities.retention.activities import NodeSweeper, RecordSweeper
from activities.retrieval.activities import IndexActivities, RetrievalActivities
from activities.sandbox.activities import SandboxActivities
from activities.waits.activities import WaitActivities
from hydranet.errors import FATAL
from workers.payloads import data_converter
from workers.refused_payload import explain_refused, is_refused

_ACTIVITIES = (
    *(CheckpointActivities, HistoryActivities, IndexActivities, InferenceActivities, ModelActivities, NodeActivities),
    *(NodeSweeper, RecordActivities, RecordSweeper, RepositoryActivities, RetrievalActivities, SandboxActivities),
    *(ContestActivities, NoticeActivities, WaitActivities),
)

_logger = logging.getLogger(__name__)


class SealedResultsRunner(SandboxedWorkflowRunner):
    """The workflow sandbox, which takes no result that was not sealed with the key of its activity's role."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Return the instance of a workflow."""
        return _Instance(super().create_instance(det), det.info.workflow_id)


class _Instance(WorkflowInstance):
    def __init__(self, inner: WorkflowInstance, workflow_id: str) -> None:
        self._inner = inner
        self._workflow_id = workflow_id
        # By the numbers under which their results arrive.
        self._activities: dict[int, tuple[str, str]] = {}

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        for job in act.jobs:
            if job.HasField("resolve_activity"):
                name, queue = self._activities.pop(job.resolve_activity.seq, ("an activity", "its queue"))
                self._refuse(job.resolve_activity.result, name, queue, again=act.is_replaying)
        completion = self._inner.activate(act)
        for command in completion.successful.commands:
            if command.HasField("schedule_activity"):
                scheduled = command.schedule_activity
                self._activities[scheduled.seq] = scheduled.activity_type, scheduled.task_queue
        return completion

    def _refuse(self, result: ActivityResolution, name: str, queue: str, *, again: bool) -> None:
        if not result.HasField("completed") or not (reason := _find_fault(result.completed.result, name)):
            return
        sentence = f"What came back as the result of {name} on {queue} is not taken. {reason}"
        if not again:
            _logger.warning("%s: %s", self._workflow_id, sentence)
        cause = Failure(
            message=sentence, application_failure_info=ApplicationFailureInfo(type=FATAL, non_retryable=True)
        )
        information = ActivityFailureInfo(activity_type=ActivityType(name=name))
        result.failed.failure.CopyFrom(
            Failure(message="The activity has failed", activity_failure_info=information, cause=cause)
        )

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()

    def get_serialization_context(self, command_info: CommandInfo | None) -> SerializationContext | None:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: CommandInfo | None) -> StorageDriverStoreContext:
        return self._inner.get_external_store_context(command_info)


def _find_fault(payload: Payload, name: str) -> str:
    """Return why a payload is no result of an activity, empty where it is one."""
    if is_refused(payload):
        return explain_refused(payload)
    hint = list_result_types().get(name)
    if hint is None:
        return ""
    try:
        value = data_converter.payload_converter.from_payload(payload, hint)
    except Exception as error:  # whatever a converter makes of what a stranger wrote
        return f"It cannot be read ({type(error).__name__}): see what the node runs that answered."
    if isinstance(hint, type) and not isinstance(value, hint):
        return f"It is no {hint.__name__}: see what the node runs that answered."
    return ""


@cache
def list_result_types() -> dict[str, Any]:
    """Return the types of results by the names of activities."""
    functions = (function for kind in _ACTIVITIES for _, function in inspect.getmembers(kind, inspect.isfunction))
    definitions = filter(None, map(activity._Definition.from_callable, functions))
    return {definition.name: definition.ret_type for definition in definitions if definition.name}
