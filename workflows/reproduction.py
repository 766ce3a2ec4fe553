"""The reproduction of an issue without a failing test: a model drafts tests, and those that fail for it are kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import InferenceActivities
    from activities.retrieval.activities import RetrievalActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet.budget import tokens_left
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        CoverageRequest,
        Expectation,
        FixRequest,
        JudgeRequest,
        ReproduceAnswer,
        ReproduceRequest,
        Snapshot,
        TestReport,
        Work,
        WrittenTests,
    )
    from hydranet.genealogy import Reproduction
    from hydranet.random_seed import derive_seed
    from workflows import policies
    from workflows.retrieval import retrieve_at_base
    from workflows.run_state import RunState
    from workflows.sandbox_host import SandboxHost

Write = Callable[..., Awaitable[WrittenTests]]


@dataclass(frozen=True)
class DraftSearch:
    """Has a model draft tests of an issue; `write` and `commit` put drafts into the tree."""

    request: FixRequest
    snapshot: Snapshot
    sandbox: SandboxHost
    issue: ArtifactRef
    state: RunState
    begin: Callable[[str], Awaitable[None]]
    write: Write
    commit: Callable[[WrittenTests], Awaitable[Checkpoint]]

    async def find(self, baseline: TestReport) -> list[Expectation]:
        """Return the drafts that fail at HEAD as the issue says, the best first."""
        head = Checkpoint(commit=self.snapshot.commit)
        results = baseline.results
        if results is None:
            raise policies.fail("The tests at the base commit left no results: run the command again.")
        await self.begin("asking the model for a test that reproduces the issue")
        retrieval = await retrieve_at_base(self.request, self.snapshot, head, self.issue, results)
        answer = await self._draft(head, retrieval.context)
        self._record(answer)
        if not answer.drafts:
            return []
        written = await self.write(answer.drafts, self.issue, drafted=True)
        self.state.refuse_drafts(written.left_out)
        if written.diff is None:
            return []
        await self.begin("running the tests that the model drafted")
        spectrum = await self.sandbox.run(
            SandboxActivities.measure_coverage,
            CoverageRequest(
                snapshot=self.snapshot,
                checkpoint=await self.commit(written),
                environment=self.sandbox.environment,
                spec=self.request.sandbox,
                baseline=results,
                only=written.file,
            ),
            "run the drafted tests",
        )
        judgement = await workflow.execute_activity_method(
            RetrievalActivities.judge_drafts,
            JudgeRequest(written=written, spectrum=spectrum, context=retrieval.context),
            **policies.for_retrieval("judge the drafted tests"),
        )
        self.state.refuse_drafts(judgement.refused)
        drafts = {test.name: test.expectation for test in written.tests}
        return [drafts[name] for name in judgement.kept]

    async def _draft(self, head: Checkpoint, context: ArtifactRef) -> ReproduceAnswer:
        genealogy, budget = self.state.genealogy, self.request.budget
        answer = await workflow.execute_activity_method(
            InferenceActivities.reproduce,
            ReproduceRequest(
                work=Work(
                    run_id=genealogy.run_id,
                    model=self.request.model,
                    snapshot=self.snapshot,
                    checkpoint=head,
                    context=context,
                ),
                seed=derive_seed(self.request.seed or genealogy.run_id, 0),
                tokens=tokens_left(budget.tokens or None, genealogy.usage.tokens),
            ),
            **policies.for_inference("draft tests of the issue"),
        )
        self.state.add_usage(answer.usage)
        return answer

    def _record(self, answer: ReproduceAnswer) -> None:
        self.state.set_reproduction(
            Reproduction(prompt=answer.prompt, draws=answer.draws, usage=answer.usage, refused=answer.refused)
        )
