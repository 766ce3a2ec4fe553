"""The preparation of a run: snapshot, environment, baseline tests and retrieved code, once before any branch."""

from dataclasses import dataclass, replace
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.artifacts.records import RecordActivities
    from activities.checkpoints.activities import RepositoryActivities
    from activities.inference.activities import InferenceActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet.allocation import SkillRecord
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        CoverageRequest,
        FixRequest,
        Place,
        Retrieval,
        Snapshot,
        SnapshotRequest,
        TestReport,
        TestRequest,
        WarmUpRequest,
        Work,
    )
    from hydranet.strategy import TEMPLATES
    from workflows import policies
    from workflows import retrieval as code_retrieval
    from workflows.sandbox_host import SandboxHost


@dataclass(frozen=True)
class PreparedRun:
    """What every branch of a run builds on."""

    issue: ArtifactRef
    snapshot: Snapshot
    base: Checkpoint
    sandbox: SandboxHost
    baseline: TestReport
    results: ArtifactRef
    retrieval: Retrieval
    spectrum: ArtifactRef | None
    places: tuple[Place, ...] = ()
    skills: tuple[SkillRecord, ...] = ()

    def describe_to_branch(self, *, alone: bool) -> dict[str, Any]:
        """Return the fields of a `BranchRequest` that are the same for all branches.

        A branch that works `alone` stays on the host of the run, and others go to where a host is free. The environment
        of a run from before hosts had queues names none, and its branches go on as they began.
        """
        environment = self.sandbox.environment
        return {
            "snapshot": self.snapshot,
            "base": self.base,
            "environment": environment,
            "prepared": alone or not environment.queue,
            "baseline": self.results,
            "target": self.baseline.failing,
            "target_count": self.baseline.failing_count,
            "issue": self.issue,
            "context": self.retrieval.context,
            "spectrum": self.spectrum,
            "error": self.baseline.error,
        }

    def inference_context(self, run_id: str, model: str) -> Work:
        """Return what an inference call at the base needs."""
        return Work(
            run_id=run_id,
            model=model,
            snapshot=self.snapshot,
            checkpoint=self.base,
            context=self.retrieval.context,
            spectrum=self.spectrum,
            base=self.base,
        )


async def take_snapshot(request: FixRequest) -> Snapshot:
    """Pack the repository's HEAD."""
    return await workflow.execute_activity_method(
        RepositoryActivities.snapshot_repository,
        SnapshotRequest(repository_path=request.repository_path, limit_mb=request.repository_limit_mb),
        **policies.for_repository("snapshot of the repository", request.host),
    )


async def load_model(model: str) -> None:
    """Have the model loaded, which may take as long as the tests run."""
    if model != TEMPLATES:
        await workflow.execute_activity_method(
            InferenceActivities.warm_up, WarmUpRequest(model=model), **policies.for_inference("load the model")
        )


async def store_issue(request: FixRequest) -> ArtifactRef:
    """Put the issue's text where prompts and searches read it."""
    return await workflow.execute_activity_method(
        RecordActivities.store_issue, request.issue, **policies.for_supervisor("store the issue")
    )


async def run_tests(
    request: FixRequest,
    snapshot: Snapshot,
    checkpoint: Checkpoint,
    sandbox: SandboxHost,
    summary: str,
    baseline: ArtifactRef | None = None,
) -> TestReport:
    """Run the whole test command on a clean checkout of `checkpoint`; with a `baseline`, refuse a forged result."""
    return await sandbox.run(
        SandboxActivities.run_tests,
        TestRequest(
            snapshot=snapshot,
            checkpoint=checkpoint,
            environment=sandbox.environment,
            spec=request.sandbox,
            baseline=baseline,
        ),
        summary,
    )


async def prepare_run(
    run_id: str,
    request: FixRequest,
    snapshot: Snapshot,
    base: Checkpoint,
    sandbox: SandboxHost,
    baseline: TestReport,
    issue: ArtifactRef,
) -> PreparedRun:
    """Retrieve the code a model should see, measure what each test executes, and rank the places by both."""
    if baseline.results is None:
        raise policies.fail("The tests at the base commit left no results: run the command again.")
    retrieval = await code_retrieval.retrieve_at_base(request, snapshot, base, issue, baseline.results)
    spectrum = None
    by_value = request.allocation == "value"
    if by_value or request.model == TEMPLATES or request.templates_first:
        spectrum = await sandbox.run(
            SandboxActivities.measure_coverage,
            CoverageRequest(
                snapshot=snapshot,
                checkpoint=base,
                environment=sandbox.environment,
                spec=request.sandbox,
                baseline=baseline.results,
            ),
            "coverage of the tests",
        )
    prepared = PreparedRun(
        issue=issue,
        snapshot=snapshot,
        base=base,
        sandbox=sandbox,
        baseline=baseline,
        results=baseline.results,
        retrieval=retrieval,
        spectrum=spectrum,
    )
    return await _add_priors(prepared, run_id, request.model) if by_value else prepared


async def _add_priors(prepared: PreparedRun, run_id: str, model: str) -> PreparedRun:
    """Add what draws are weighed by before any is made: the places, and how draws of the model have done so far."""
    ranked = await workflow.execute_activity_method(
        InferenceActivities.rank_places,
        prepared.inference_context(run_id, model),
        **policies.for_inference("rank the places"),
    )
    if model == TEMPLATES:
        return replace(prepared, places=ranked.places)
    skills = await workflow.execute_activity_method(
        RecordActivities.read_skills, model, **policies.for_supervisor("read how the model has done")
    )
    return replace(prepared, places=ranked.places, skills=skills.records)
