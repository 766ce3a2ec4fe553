"""EmbedTreeWorkflow: the vectors of an indexed tree, made after the graph so that they hold up nothing."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retrieval.activities import IndexActivities
    from hydranet.contracts import EMBED_WORKFLOW, EmbedRequest, EmbedResult
    from workflows import policies


@workflow.defn(name=EMBED_WORKFLOW)
class EmbedTreeWorkflow:
    """The making of vectors until none is missing; an endpoint that does not answer parks it."""

    @workflow.init
    def __init__(self, request: EmbedRequest) -> None:  # noqa: ARG002
        self._embedded = EmbedResult(made=0, left=0)

    @workflow.query
    def progress(self) -> EmbedResult:
        """Return how many vectors were made and are left; the step under way counts by its heartbeats."""
        return self._embedded

    @workflow.run
    async def run(self, request: EmbedRequest) -> EmbedResult:
        """Make what is missing, and return how many that was."""
        left: int | None = None
        while True:
            step: EmbedResult = await workflow.execute_activity_method(
                IndexActivities.embed_nodes, request, **policies.for_retrieval("make vectors")
            )
            self._embedded = EmbedResult(made=self._embedded.made + step.made, left=step.left)
            if not step.left:
                return self._embedded
            if left is not None and step.left >= left:
                raise policies.fail(
                    f"{step.left} vectors are missing after a step that was to make some of them: "
                    "see the log of the inference worker, then run `hydra index` again."
                )
            left = step.left
