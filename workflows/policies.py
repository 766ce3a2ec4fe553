"""How activities are called, one set of options per kind of work, and what a failure says."""

from datetime import timedelta

from temporalio import exceptions, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, TimeoutType

from hydranet.contracts import (
    INFERENCE_QUEUE,
    RANKING_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    SandboxSpec,
    name_host_queue,
    name_models_queue,
)
from hydranet.errors import FATAL

# A node that is lost is noticed after this long without a heartbeat (they are sent twice a second).
HEARTBEAT = timedelta(seconds=10)

_GAVE_UP = "GaveUp"

# No limit on attempts: an outage parks the run, and only fatal errors end it.
_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[FATAL],
)


def for_supervisor(summary: str) -> workflow.ActivityConfig:
    """Return the options of an activity on the records."""
    return _options(SUPERVISOR_QUEUE, summary, timedelta(minutes=10))


def for_repository(summary: str, host: str) -> workflow.ActivityConfig:
    """Return the options of an activity on the user's repository, which the host with that id has."""
    queue = name_host_queue(SUPERVISOR_QUEUE, host) if host else SUPERVISOR_QUEUE
    return _options(queue, summary, timedelta(minutes=10))


def for_inference(summary: str) -> workflow.ActivityConfig:
    """Return the options of a model call."""
    return _options(INFERENCE_QUEUE, summary, timedelta(minutes=30))


def for_ranking(summary: str) -> workflow.ActivityConfig:
    """Return the options of a call of the supervisor model."""
    return _options(RANKING_QUEUE, summary, timedelta(minutes=30))


def for_models(summary: str, purpose: str) -> workflow.ActivityConfig:
    """Return the options of a question about models: somebody waits for the answer, so it is asked once."""
    options = _options(name_models_queue(purpose), summary, timedelta(minutes=30))
    options["schedule_to_start_timeout"] = timedelta(seconds=10)
    options["retry_policy"] = RetryPolicy(maximum_attempts=1)
    return options


def for_retrieval(summary: str) -> workflow.ActivityConfig:
    """Return the options of a search in the repository."""
    return _options(RETRIEVAL_QUEUE, summary, timedelta(minutes=10))


def for_sandbox(
    summary: str, spec: SandboxSpec, queue: str = "", patience: timedelta | None = None
) -> workflow.ActivityConfig:
    """Return the options of a run in the sandbox, which limits its own time: set-up, then tests more than once.

    On the `queue` of one host it ends after `patience` when nobody takes it: `was_never_taken` says so.
    """
    timeout = timedelta(seconds=2 * spec.setup_timeout + 6 * spec.test_timeout + 60)
    options = _options(queue or SANDBOX_QUEUE, summary, timeout)
    if queue:
        options["schedule_to_start_timeout"] = patience
    return options


def fail(message: str) -> ApplicationError:
    """Return the failure that ends a workflow for good, with the sentence that its user reads."""
    return ApplicationError(message, type=FATAL, non_retryable=True)


def give_up(message: str) -> ApplicationError:
    """Return the failure that ends a workflow whose input was right, but whose search found nothing."""
    return ApplicationError(message, type=_GAVE_UP, non_retryable=True)


def has_given_up(error: BaseException) -> bool:
    """Return whether an error is that of `give_up`."""
    return isinstance(error, ApplicationError) and error.type == _GAVE_UP


def is_fatal(error: ActivityError) -> bool:
    """Return whether an activity says that it will never succeed, rather than that it was cancelled."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == FATAL


def was_never_taken(error: ActivityError) -> bool:
    """Return whether an activity ended since no worker of its queue took it in time."""
    return isinstance(error.cause, exceptions.TimeoutError) and error.cause.type is TimeoutType.SCHEDULE_TO_START


def explain_failure(error: BaseException) -> str:
    """Return the message of the innermost failure: the sentence for the user."""
    while isinstance(error.__cause__, FailureError):
        error = error.__cause__
    return error.message if isinstance(error, FailureError) else str(error)


def _options(queue: str, summary: str, timeout: timedelta) -> workflow.ActivityConfig:
    return {
        "task_queue": queue,
        "summary": summary[:180],
        "start_to_close_timeout": timeout,
        "heartbeat_timeout": HEARTBEAT,
        "retry_policy": _RETRY,
        "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }
