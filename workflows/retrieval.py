"""Retrieval of the code that prompts show: at the base, and again after each attempt that failed."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.retrieval.activities import RetrievalActivities
    from hydranet.contracts import (
        ArtifactRef,
        BranchRequest,
        BranchState,
        Checkpoint,
        FixRequest,
        RememberFixRequest,
        Retrieval,
        RetrieveRequest,
        Snapshot,
    )
    from hydranet.convergence.score import Attempt
    from workflows import policies

# As many as a request may name.
_PLACES = 20


async def retrieve_at_base(
    request: FixRequest, snapshot: Snapshot, base: Checkpoint, issue: ArtifactRef, results: ArtifactRef
) -> Retrieval:
    """Return the code for the issue and for the tests that fail at the base."""
    return await _retrieve(
        RetrieveRequest(
            snapshot=snapshot,
            checkpoint=base,
            repository_path=request.repository_path,
            issue=issue,
            results=results,
        ),
        "retrieve the code",
    )


async def retrieve_after_attempt(request: BranchRequest, state: BranchState, asked: tuple[str, ...]) -> ArtifactRef:
    """Return the code after an attempt: by the errors it met, by what it changed and by what the model asked for."""
    retrieval = await _retrieve(
        RetrieveRequest(
            snapshot=request.snapshot,
            checkpoint=state.best,
            repository_path=request.repository_path,
            issue=request.issue,
            results=state.results or request.baseline,
            touched=_places(*state.facts[-request.convergence.window - 1 :]),
            asked=asked,
        ),
        f"attempt {state.attempts}: retrieve again",
    )
    return retrieval.context


async def remember_fix(request: FixRequest, snapshot: Snapshot, issue: ArtifactRef, passed: Attempt) -> None:
    """Teach the code graph where the fix of this issue was."""
    try:
        await workflow.execute_activity_method(
            RetrievalActivities.remember_fix,
            RememberFixRequest(
                repository_path=request.repository_path, snapshot=snapshot, issue=issue, places=_places(passed)
            ),
            **policies.for_retrieval("remember where the fix was"),
        )
    except ActivityError as error:
        # The fix is published: what only makes later searches better does not undo it.
        workflow.logger.warning("where the fix was is not remembered: %s", error.cause)


async def _retrieve(request: RetrieveRequest, summary: str) -> Retrieval:
    return await workflow.execute_activity_method(
        RetrievalActivities.retrieve, request, **policies.for_retrieval(summary)
    )


def _places(*attempts: Attempt) -> tuple[str, ...]:
    """Return where attempts changed code, as "path:line", the latest first, each once."""
    places = [f"{edit.file}:{edit.start}" for attempt in reversed(attempts) for edit in attempt.patch.edits]
    return tuple(dict.fromkeys(places))[:_PLACES]
