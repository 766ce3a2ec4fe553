"""CounterfactualWorkflow: a reaped branch let run on to its budget, to tell whether the Reaper was right."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import (
        BRANCH_WORKFLOW,
        COUNTERFACTUAL_WORKFLOW,
        SUPERVISOR_QUEUE,
        AttemptReport,
        BranchRequest,
        BranchResult,
        Counterfactual,
    )


@workflow.defn(name=COUNTERFACTUAL_WORKFLOW)
class CounterfactualWorkflow:
    """Stands where the run stood: takes the branch's reports, and reaps nothing."""

    @workflow.init
    def __init__(self, request: BranchRequest) -> None:  # noqa: ARG002
        self._made: list[AttemptReport] = []

    @workflow.signal
    def attempt_made(self, report: AttemptReport) -> None:
        """Count an attempt."""
        self._made.append(report)

    @workflow.run
    async def run(self, request: BranchRequest) -> Counterfactual:
        """Carry the branch on from `request.state` until it ends by itself."""
        own = workflow.info().workflow_id
        result: BranchResult = await workflow.execute_child_workflow(
            BRANCH_WORKFLOW,
            request.model_copy(update={"run_id": own, "reaper": False, "paused": False}),
            id=f"{own}/b{request.number:02d}",
            task_queue=SUPERVISOR_QUEUE,
            result_type=BranchResult,
        )
        return Counterfactual(
            ending=result.ending,
            attempts=len(self._made),
            tokens=sum(report.record.usage.tokens for report in self._made) + result.unreported.tokens,
        )
