"""NoticeWorkflow: one notice to one target, tried again for a day; no run waits for it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.notices.activities import NoticeActivities
    from hydranet.contracts import NOTICE_WORKFLOW, NoticeRequest
    from hydranet.errors import FATAL
    from workflows.policies import HEARTBEAT, explain_failure, was_never_taken

# Longer than any target may take.
_TAKES = timedelta(seconds=90)
# With these waits a day goes by. Tries are counted and not hours: while the stack is down, nobody could take it.
_TRIES = 150
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=10)

_NOBODY = "No supervisor of this machine took it: start one (`hydra up`, or `hydra worker supervisor`)."


@workflow.defn(name=NOTICE_WORKFLOW)
class NoticeWorkflow:
    """The delivery of a notice."""

    @workflow.run
    async def run(self, request: NoticeRequest) -> str:
        """Deliver the notice at least once; return why it was given up, empty where it was not."""
        retry = RetryPolicy(
            initial_interval=_FIRST_WAIT,
            backoff_coefficient=2.0,
            maximum_interval=_LONGEST_WAIT,
            maximum_attempts=1 if request.once else _TRIES,
            non_retryable_error_types=[FATAL],
        )
        try:
            await workflow.execute_activity_method(
                NoticeActivities.deliver_notice,
                request,
                task_queue=request.queue,
                summary=f"{request.notice.kind} to {request.target}"[:180],
                start_to_close_timeout=_TAKES,
                heartbeat_timeout=HEARTBEAT,
                schedule_to_start_timeout=HEARTBEAT if request.once else None,
                retry_policy=retry,
            )
        except ActivityError as error:
            reason = _NOBODY if was_never_taken(error) else explain_failure(error)
            workflow.logger.warning("a notice to %s was given up: %s", request.target, reason)
            return reason
        return ""
