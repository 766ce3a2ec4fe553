"""Activities of the retrieval queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.failures import translated
from hydranet.contracts import Retrieval, RetrieveRequest

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.checkpoints.objects import GitObjects


class RetrievalActivities:
    """Finds the code that a model should see."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._objects = objects

    @activity.defn
    @translated
    async def retrieve(self, request: RetrieveRequest) -> Retrieval:
        """The context of the bug: the failing test, then whole functions, the most suspicious first."""
        from activities.artifacts.store import put_model
        from activities.retrieval.context import gather

        context = await gather(request, self._artifacts, self._objects)
        return Retrieval(
            context=await put_model(self._artifacts, context),
            shown=tuple(snippet.shown for snippet in context.snippets[:12]),
        )
