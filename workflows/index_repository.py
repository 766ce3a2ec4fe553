"""IndexRepositoryWorkflow: the code graph of a repository's HEAD, by batches of files that any node may parse."""

import asyncio

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy

with workflow.unsafe.imports_passed_through():
    from activities.retrieval.activities import IndexActivities
    from hydranet.contracts import (
        INDEX_WORKFLOW,
        VECTORS,
        EmbedRequest,
        FileSurvey,
        IndexProgress,
        IndexRequest,
        IndexResult,
        LinkResult,
        ParseRequest,
    )
    from workflows import policies
    from workflows.embed_tree import EmbedTreeWorkflow

# Files: so few that a batch lost with its node costs seconds, so many that a history stays small.
BATCH = 200
MOST_BATCHES = 64


@workflow.defn(name=INDEX_WORKFLOW)
class IndexRepositoryWorkflow:
    """The indexing of a repository: list, parse, link, embed. Started again, it does only what is new."""

    @workflow.init
    def __init__(self, request: IndexRequest) -> None:  # noqa: ARG002
        self._progress = IndexProgress()

    @workflow.query
    def progress(self) -> IndexProgress:
        """Return how far it is; batches that are being parsed count by their heartbeats."""
        return self._progress

    @workflow.run
    async def run(self, request: IndexRequest) -> IndexResult:
        """Index what is new at HEAD."""
        survey: FileSurvey = await workflow.execute_activity_method(
            IndexActivities.survey_repository, request, **policies.for_repository("list the files", request.host)
        )
        # What would be a single batch is parsed where it is linked, which saves a step.
        if survey.missing_count > BATCH:
            await self._parse_all(survey)
        self._report(stage="linking")
        linked: LinkResult = await workflow.execute_activity_method(
            IndexActivities.link_files, survey.manifest, **policies.for_retrieval("link the files")
        )
        await self._embed(EmbedRequest(tree=linked.tree, model=request.embedding_model))
        return IndexResult(
            commit=linked.commit,
            files=linked.files,
            parsed=survey.missing_count,
            linked=linked.linked,
            skipped=linked.skipped,
        )

    async def _parse_all(self, survey: FileSurvey) -> None:
        self._report(stage="parsing", total=survey.missing_count)
        size = max(BATCH, -(-survey.missing_count // MOST_BATCHES))
        starts = range(0, survey.missing_count, size)
        await asyncio.gather(*(self._parse(survey, first, min(first + size, survey.missing_count)) for first in starts))

    async def _parse(self, survey: FileSurvey, first: int, last: int) -> None:
        await workflow.execute_activity_method(
            IndexActivities.parse_files,
            ParseRequest(files=survey.missing, first=first, last=last),
            **policies.for_retrieval(f"parse files {first + 1} to {last}"),
        )
        self._report(done=self._progress.done + last - first)

    async def _embed(self, request: EmbedRequest) -> None:
        """Leave the vectors to a workflow of their own, which replaces one for an earlier tree."""
        await workflow.start_child_workflow(
            EmbedTreeWorkflow.run,
            request,
            id=f"{workflow.info().workflow_id}{VECTORS}",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.TERMINATE_IF_RUNNING,
            static_summary=f"vectors by {request.model or 'spelling'}"[:180],
        )

    def _report(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)
