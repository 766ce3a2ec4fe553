"""CounterfactualWorkflow: a reaped branch runs on to its budget, to show whether the Reaper was right."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import (
        COUNTERFACTUAL_WORKFLOW,
        SUPERVISOR_QUEUE,
        AttemptReport,
        BranchRequest,
        Counterfactual,
        ReapRequest,
    )
    from workflows.branch import BranchWorkflow
    from workflows.signals import BranchParent, drop_malformed


@workflow.defn(name=COUNTERFACTUAL_WORKFLOW)
class CounterfactualWorkflow(BranchParent):
    """A stand-in for the run: takes the branch's reports, and reaps nothing."""

    @workflow.init
    def __init__(self, request: BranchRequest) -> None:  # noqa: ARG002
        self._reports: list[AttemptReport] = []

    @workflow.signal(name="reap")
    @drop_malformed
    async def reap_circling(self, request: ReapRequest) -> None:
        """Let the branch go on: what it comes to is the question."""

    @workflow.signal
    @drop_malformed
    async def attempt_made(self, report: AttemptReport) -> None:
        """Count an attempt."""
        self._reports.append(report)

    @workflow.run
    async def run(self, request: BranchRequest) -> Counterfactual:
        """Carry the branch on from `request.state` until it ends by itself."""
        own = workflow.info().workflow_id
        result = await workflow.execute_child_workflow(
            BranchWorkflow.run,
            request.model_copy(update={"run_id": own, "reaper": False, "paused": False, "granted": None}),
            id=f"{own}/b{request.number:02d}",
            task_queue=SUPERVISOR_QUEUE,
        )
        return Counterfactual(
            ending=result.ending,
            attempts=len(self._reports),
            tokens=sum(report.record.usage.tokens for report in self._reports) + result.unreported.tokens,
        )
