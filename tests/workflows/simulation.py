"""A workflow driven without a server: the test says what happens, in which order, and what arrives together.

It runs the real workflow code on the SDK's own event loop, one activation at a time, as a worker does. What a server
decides is decided here: when an activity is answered, a child starts or ends, a timer fires, a message arrives.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import workflow_activation_pb2 as activation
from temporalio.bridge.proto.workflow_commands import workflow_commands_pb2 as commands
from temporalio.common import MetricMeter, Priority, TypedSearchAttributes
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import Info, _Definition

from hydranet.errors import FATAL
from workers.payloads import data_converter

# The most steps of the event loop in one activation: ordinary ones take fewer than a hundred.
STEPS = 3000

_BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)
_ACTIVITY, _CHILD = "activity_failure_info", "child_workflow_execution_failure_info"
Job = activation.WorkflowActivationJob


class EndlessLoopError(AssertionError):
    """The workflow goes on without waiting for anything."""


@dataclass
class Child:
    """A child workflow as its parent's server sees it."""

    seq: int
    id: str
    arguments: Payload
    started: bool = False
    cancelled: bool = False
    ended: bool = False
    signals: list[str] = field(default_factory=list)

    def request(self, kind: type) -> Any:
        return data_converter.payload_converter.from_payload(self.arguments, kind)


@dataclass
class Activity:
    """An activity that is under way; one with `patience`, in seconds, ends when no worker takes it in that time."""

    seq: int
    name: str
    request: Payload
    queue: str = ""
    patience: float = 0.0
    cancelled: bool = False


class Simulation:
    """One workflow and what it waits for."""

    def __init__(self, workflow: type, request: Any, answer: Callable[[str], Any]) -> None:
        self.now = _BEGINNING
        self.activities: dict[int, Activity] = {}
        self.timers: dict[int, datetime] = {}
        self.timers_started = 0
        self.children: dict[int, Child] = {}
        self.signalled: list[tuple[str, str]] = []
        self.sent: list[Payload] = []
        self.updates: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        self.result: Payload | None = None
        self.ended = ""
        self._unsent: list[Job] = []
        self._resolutions: list[Job] = []
        self._numbers = itertools.count(1)
        self._steps = 0
        self._broken = False
        self._answer = answer
        self._converter = data_converter.payload_converter
        self._definition = _Definition.must_from_class(workflow)
        self._instance = asyncio.run(self._create_instance())
        self._count_steps()
        initialize = activation.InitializeWorkflow(
            workflow_type=self._definition.name or "",
            workflow_id="fix-simulated",
            arguments=self._converter.to_payloads([request]),
        )
        self.deliver(Job(initialize_workflow=initialize))

    def deliver(self, *jobs: Job) -> None:
        """Hand over what happened, together with what was held back, in one activation."""
        self._activate([*self._unsent, *jobs])

    def hold(self, *jobs: Job) -> None:
        """Keep what happened back, to arrive with what happens next."""
        self._unsent += jobs

    def advance(self, seconds: float) -> None:
        """Let time pass; each timer that is due fires in an activation of its own."""
        until = self.now + timedelta(seconds=seconds)
        while (due := min(self.timers.items(), key=lambda timer: timer[1], default=None)) and due[1] <= until:
            self.now = max(self.now, due[1])
            self.deliver(self.fire(due[0]))
        self.now = max(self.now, until)

    def fire(self, timer: int) -> Job:
        del self.timers[timer]
        return Job(fire_timer=activation.FireTimer(seq=timer))

    def signal(self, name: str, *arguments: Any) -> Job:
        return Job(
            signal_workflow=activation.SignalWorkflow(
                signal_name=name,
                input=self._converter.to_payloads(arguments),
                originating_event_id=next(self._numbers),
            )
        )

    def update(self, name: str, *arguments: Any) -> Job:
        number = f"{name}-{next(self._numbers)}"
        self.updates[number] = "sent"
        update = activation.DoUpdate(
            id=number,
            protocol_instance_id=number,
            name=name,
            input=self._converter.to_payloads(arguments),
            run_validator=True,
        )
        return Job(do_update=update)

    def cancel(self) -> Job:
        return Job(cancel_workflow=activation.CancelWorkflow(reason="from the web page"))

    def answer(self, activity: Activity) -> Job:
        """Complete an activity, also one that is being cancelled, as one that has all but ended does."""
        del self.activities[activity.seq]
        self.answered[activity.name] += 1
        resolve = activation.ResolveActivity(seq=activity.seq)
        resolve.result.completed.result.CopyFrom(self._converter.to_payload(self._answer(activity.name)))
        return Job(resolve_activity=resolve)

    def end_activity(self, activity: Activity) -> Job:
        """Report an activity as cancelled."""
        del self.activities[activity.seq]
        resolve = activation.ResolveActivity(seq=activity.seq)
        resolve.result.cancelled.failure.CopyFrom(_cancelled(_ACTIVITY))
        return Job(resolve_activity=resolve)

    def fail_activity(self, activity: Activity) -> Job:
        """Report that an activity failed for good."""
        del self.activities[activity.seq]
        resolve = activation.ResolveActivity(seq=activity.seq)
        resolve.result.failed.failure.CopyFrom(_failed(_ACTIVITY))
        return Job(resolve_activity=resolve)

    def leave_activity(self, activity: Activity) -> Job:
        """Report that no worker has taken an activity in time."""
        del self.activities[activity.seq]
        self.now += timedelta(seconds=activity.patience)
        resolve = activation.ResolveActivity(seq=activity.seq)
        failure = resolve.result.failed.failure
        failure.activity_failure_info.SetInParent()
        failure.cause.timeout_failure_info.timeout_type = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
        return Job(resolve_activity=resolve)

    def start_child(self, child: Child) -> Job:
        child.started = True
        resolve = activation.ResolveChildWorkflowExecutionStart(seq=child.seq)
        resolve.succeeded.run_id = "child-run"
        return Job(resolve_child_workflow_execution_start=resolve)

    def end_child(self, child: Child, result: Any | None) -> Job:
        """End a child with a result, or as cancelled."""
        child.ended = True
        resolve = activation.ResolveChildWorkflowExecution(seq=child.seq)
        if result is None:
            resolve.result.cancelled.failure.CopyFrom(_cancelled(_CHILD))
        else:
            resolve.result.completed.result.CopyFrom(self._converter.to_payload(result))
        return Job(resolve_child_workflow_execution=resolve)

    def fail_child(self, child: Child) -> Job:
        child.ended = True
        resolve = activation.ResolveChildWorkflowExecution(seq=child.seq)
        resolve.result.failed.failure.CopyFrom(_failed(_CHILD))
        return Job(resolve_child_workflow_execution=resolve)

    def read_result(self, kind: type) -> Any:
        assert self.result is not None
        return self._converter.from_payload(self.result, kind)

    @property
    def workflow(self) -> Any:
        """The workflow object itself, to look at its state."""
        return self._instance._object  # type: ignore[attr-defined]

    def close(self) -> None:
        """Take the workflow out of memory, as a worker does."""
        if self._broken:
            return
        evict = Job(remove_from_cache=activation.RemoveFromCache())
        self._instance.activate(activation.WorkflowActivation(run_id="run", jobs=[evict]))

    async def _create_instance(self) -> WorkflowInstance:
        info = Info(
            attempt=1,
            continued_run_id=None,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id="run",
            headers={},
            namespace="default",
            original_execution_run_id="run",
            parent=None,
            root=None,
            raw_memo={},
            retry_policy=None,
            run_id="run",
            run_timeout=None,
            search_attributes={},
            start_time=self.now,
            workflow_start_time=self.now,
            task_queue="simulated",
            task_timeout=timedelta(seconds=10),
            typed_search_attributes=TypedSearchAttributes.empty,
            workflow_id="fix-simulated",
            workflow_type=self._definition.name or "",
            priority=Priority.default,
        )
        details = WorkflowInstanceDetails(
            payload_converter_factory=data_converter.payload_converter_class,
            failure_converter_class=data_converter.failure_converter_class,
            interceptor_classes=[],
            defn=self._definition,
            info=info,
            randomness_seed=1,
            extern_functions={"__temporal_get_metric_meter": _no_meter},
            disable_eager_activity_execution=True,
            worker_level_failure_exception_types=[],
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )
        return UnsandboxedWorkflowRunner().create_instance(details)

    def _count_steps(self) -> None:
        loop: Any = self._instance
        schedule = loop.call_soon

        def call_soon(*arguments: Any, **options: Any) -> Any:
            self._steps += 1
            if self._steps > STEPS:
                raise EndlessLoopError(f"more than {STEPS} steps without waiting for anything")
            return schedule(*arguments, **options)

        loop.call_soon = call_soon

    def _activate(self, jobs: list[Job]) -> None:
        if self.ended:
            return
        self._steps, self._unsent = 0, []
        jobs, self._resolutions = [*self._resolutions, *jobs], []
        act = activation.WorkflowActivation(run_id="run", jobs=jobs)
        act.timestamp.FromDatetime(self.now)
        completion = self._instance.activate(act)
        self._broken = completion.HasField("failed")
        assert not self._broken, completion.failed.failure
        for command in completion.successful.commands:
            self._obey(command)

    def _obey(self, command: commands.WorkflowCommand) -> None:
        match command.WhichOneof("variant"):
            case "schedule_activity":
                asked = command.schedule_activity
                patience = asked.schedule_to_start_timeout.ToTimedelta().total_seconds()
                self.activities[asked.seq] = Activity(
                    asked.seq, asked.activity_type, asked.arguments[0], asked.task_queue, patience
                )
            case "request_cancel_activity":
                # One whose answer has just arrived is no longer there to be cancelled.
                if activity := self.activities.get(command.request_cancel_activity.seq):
                    activity.cancelled = True
            case "start_timer":
                timer = command.start_timer
                self.timers[timer.seq] = self.now + timer.start_to_fire_timeout.ToTimedelta()
                self.timers_started += 1
            case "cancel_timer":
                self.timers.pop(command.cancel_timer.seq, None)
            case "start_child_workflow_execution":
                child = command.start_child_workflow_execution
                self.children[child.seq] = Child(child.seq, child.workflow_id, child.input[0])
            case "cancel_child_workflow_execution":
                self.children[command.cancel_child_workflow_execution.child_workflow_seq].cancelled = True
            case "signal_external_workflow_execution":
                self._pass_on(command.signal_external_workflow_execution)
            case "update_response":
                answer = command.update_response
                self.updates[answer.protocol_instance_id] = answer.WhichOneof("response") or ""
            case "complete_workflow_execution":
                self.result, self.ended = command.complete_workflow_execution.result, "completed"
            case "fail_workflow_execution" | "cancel_workflow_execution" | "continue_as_new_workflow_execution" as how:
                self.ended = how
            case "upsert_workflow_search_attributes" | "set_patch_marker" | "cancel_signal_workflow":
                pass  # A signal left with the task that sent it: there is nothing to take back.
            case other:
                raise AssertionError(f"the simulation does not know {other}")

    def _pass_on(self, signal: commands.SignalExternalWorkflowExecution) -> None:
        target = signal.child_workflow_id or signal.workflow_execution.workflow_id
        self.signalled.append((target, signal.signal_name))
        self.sent += signal.args
        for child in self.children.values():
            if child.id == target:
                child.signals.append(signal.signal_name)
        resolved = activation.ResolveSignalExternalWorkflow(seq=signal.seq)
        if any(child.id == target and child.ended for child in self.children.values()):
            resolved.failure.application_failure_info.type = "NotFound"
        self._resolutions.append(Job(resolve_signal_external_workflow=resolved))

    def settle(self) -> None:
        """Let signals to other workflows arrive."""
        while self._resolutions and not self.ended:
            self.deliver()


def _cancelled(info: str) -> Failure:
    failure = Failure(message="cancelled")
    getattr(failure, info).SetInParent()
    failure.cause.canceled_failure_info.SetInParent()
    return failure


def _failed(info: str) -> Failure:
    failure = Failure(message="failed")
    getattr(failure, info).SetInParent()
    failure.cause.message = "It is broken."
    failure.cause.application_failure_info.type = FATAL
    failure.cause.application_failure_info.non_retryable = True
    return failure


def _no_meter() -> Any:
    return MetricMeter.noop
