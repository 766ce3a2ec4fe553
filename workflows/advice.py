"""What a model is asked about a fix that passes: a vote on a question that stays open, and a critique at the last gate.

Advice decides nothing, so a run waits only so long for it, and not for a model that is away.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import InferenceActivities
    from hydranet.contracts import CritiqueRequest, FixRequest, VoteRequest
    from hydranet.errors import FATAL
    from hydranet.objection import Objections
    from hydranet.person_wait import Diff
    from hydranet.question import BehaviourQuestion, Vote
    from hydranet.random_seed import derive_seed
    from hydranet.strategy import TEMPLATES
    from workflows import policies
    from workflows.preparation import PreparedRun
    from workflows.run_state import RunState

_PATIENCE = timedelta(minutes=5)
# Once more, since a stream may break off; nobody waits for a server that is away.
_TRIES = 2


class ModelAdvice:
    """The run's larger model, or its model; `is_there` says whether there is one: templates have no opinion."""

    def __init__(self, request: FixRequest, state: RunState, prepared: PreparedRun) -> None:
        self._request = request
        self._state = state
        self._prepared = prepared
        self._model = request.supervisor_model or request.model

    @property
    def is_there(self) -> bool:
        """Whether a model can be asked."""
        return self._model != TEMPLATES

    async def vote(self, branch: int, question: BehaviourQuestion) -> Vote | None:
        """Return which choice of a question about a branch's fix the model takes for right."""
        request = VoteRequest(branch=branch, question=question, **self._describe(branch))
        answer = await self._ask(InferenceActivities.vote, request, "vote on what is right")
        return answer.vote if answer else None

    async def criticise(self, branch: int, diff: Diff) -> Objections:
        """Return what the model notes of a branch's fix, none of which refuses it."""
        request = CritiqueRequest(branch=branch, diff=diff, **self._describe(branch))
        answer = await self._ask(InferenceActivities.criticise, request, "critique of the fix")
        objections = answer.objections if answer else ()
        return tuple(objection.model_copy(update={"refuses": False}) for objection in objections)

    def _describe(self, branch: int) -> dict[str, Any]:
        run_id = self._state.genealogy.run_id
        return {
            "work": self._prepared.inference_context(run_id, self._model),
            "seed": derive_seed(self._request.seed or run_id, branch),
        }

    async def _ask(self, activity: Callable[..., Any], request: Any, summary: str) -> Any:
        options = (policies.for_ranking if self._request.supervisor_model else policies.for_inference)(summary)
        options["schedule_to_close_timeout"] = _PATIENCE
        options["retry_policy"] = RetryPolicy(maximum_attempts=_TRIES, non_retryable_error_types=[FATAL])
        try:
            answer = await workflow.execute_activity_method(activity, request, **options)
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise
            workflow.logger.warning("%s: %s did not answer: %s", summary, self._model, error.cause)
            return None
        self._state.add_usage(answer.usage)
        return answer
