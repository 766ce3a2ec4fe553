"""How activities are called: queue, timeouts, retries and cancellation, one set per kind of work."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

from hydranet.contracts import (
    INFERENCE_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    SandboxSpec,
)

# A node that is lost is noticed after this long without a heartbeat (they are sent twice a second).
HEARTBEAT = timedelta(seconds=10)

# No limit on attempts: an outage parks the run, and only fatal errors end it.
_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=["FatalError"],
)


def for_supervisor(summary: str) -> dict[str, Any]:
    """Options of an activity on the user's repository or on the records."""
    return _options(SUPERVISOR_QUEUE, summary, timedelta(minutes=10))


def for_inference(summary: str) -> dict[str, Any]:
    """Options of a model call."""
    return _options(INFERENCE_QUEUE, summary, timedelta(minutes=30))


def for_retrieval(summary: str) -> dict[str, Any]:
    """Options of a search in the repository."""
    return _options(RETRIEVAL_QUEUE, summary, timedelta(minutes=10))


def for_sandbox(summary: str, spec: SandboxSpec) -> dict[str, Any]:
    """Options of a run in the sandbox, which limits its own time: set-up, then tests more than once."""
    return _options(SANDBOX_QUEUE, summary, timedelta(seconds=2 * spec.setup_timeout + 6 * spec.test_timeout + 60))


def _options(queue: str, summary: str, timeout: timedelta) -> dict[str, Any]:
    return {
        "task_queue": queue,
        "summary": summary[:180],
        "start_to_close_timeout": timeout,
        "heartbeat_timeout": HEARTBEAT,
        "retry_policy": _RETRY,
        "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }
