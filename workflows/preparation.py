"""The preparation of a run: snapshot, environment, baseline tests and retrieved code, once before any branch."""

from dataclasses import dataclass, replace
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.artifacts.records import RecordActivities
    from activities.checkpoints.activities import CheckpointActivities, RepositoryActivities
    from activities.inference.activities import InferenceActivities
    from activities.retrieval.activities import RetrievalActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet.allocation import SkillRecord
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        CommitRequest,
        CoverageRequest,
        Environment,
        FixRequest,
        Place,
        PrepareRequest,
        Retrieval,
        Snapshot,
        SnapshotRequest,
        TargetRequest,
        TestReport,
        TestRequest,
        WarmUpRequest,
        Work,
        WriteTestsRequest,
        WrittenTests,
    )
    from hydranet.strategy import TEMPLATES
    from hydranet.text.formatting import format_count
    from hydranet.text.truncation import keep_start
    from workflows import policies
    from workflows import retrieval as code_retrieval


@dataclass(frozen=True)
class PreparedRun:
    """What every branch of a run builds on."""

    issue: ArtifactRef
    snapshot: Snapshot
    base: Checkpoint
    environment: Environment
    baseline: TestReport
    results: ArtifactRef
    retrieval: Retrieval
    spectrum: ArtifactRef | None
    places: tuple[Place, ...] = ()
    skills: tuple[SkillRecord, ...] = ()

    def describe_to_branch(self) -> dict[str, Any]:
        """Return the fields of a `BranchRequest` that are the same for all branches."""
        return {
            "snapshot": self.snapshot,
            "base": self.base,
            "environment": self.environment,
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
        **policies.for_supervisor("snapshot of the repository"),
    )


async def prepare_environment(request: FixRequest, snapshot: Snapshot) -> Environment:
    """Install what the tests need, unless that was done before."""
    return await workflow.execute_activity_method(
        SandboxActivities.prepare_environment,
        PrepareRequest(snapshot=snapshot, spec=request.sandbox),
        **policies.for_sandbox("prepare the environment", request.sandbox),
    )


async def load_model(model: str) -> None:
    """Have the model loaded, which may take as long as the tests run."""
    if model != TEMPLATES:
        await workflow.execute_activity_method(
            InferenceActivities.warm_up, WarmUpRequest(model=model), **policies.for_inference("load the model")
        )


async def write_tests(request: FixRequest, snapshot: Snapshot) -> WrittenTests:
    """Write tests of what is expected."""
    return await workflow.execute_activity_method(
        RetrievalActivities.write_tests,
        WriteTestsRequest(
            snapshot=snapshot,
            checkpoint=Checkpoint(commit=snapshot.commit),
            repository_path=request.repository_path,
            title=request.title,
            expectations=request.expectations,
            test_command=request.sandbox.test_command,
            folder=request.sandbox.folder,
        ),
        **policies.for_retrieval("write tests of what is expected"),
    )


async def add_tests(request: FixRequest, snapshot: Snapshot, written: WrittenTests) -> Checkpoint:
    """Return HEAD with tests that were written for the run."""
    return await workflow.execute_activity_method(
        CheckpointActivities.commit_checkpoint,
        CommitRequest(
            snapshot=snapshot,
            parent=Checkpoint(commit=snapshot.commit),
            diff=written.diff,
            message=f"Test what is expected: {request.title}",
        ),
        **policies.for_sandbox("add the tests that were written", request.sandbox),
    )


async def run_baseline(
    request: FixRequest, snapshot: Snapshot, base: Checkpoint, environment: Environment
) -> TestReport:
    """Run the tests at the base."""
    return await run_tests(request, snapshot, base, environment, "baseline tests")


def check_target(report: TestReport) -> None:
    """Refuse a run that has no failing test to aim at."""
    if report.passed and report.known:
        raise policies.fail(_explain_known_failures(report))
    if report.passed:
        raise policies.fail(
            f"No test fails at HEAD ({report.passing_count} pass), so there is nothing to aim at: "
            "say what is expected with --expect, or add a failing test for the issue and commit it."
        )


async def store_issue(request: FixRequest) -> ArtifactRef:
    """Put the issue's text where prompts and searches read it."""
    return await workflow.execute_activity_method(
        RecordActivities.store_issue, request.issue, **policies.for_supervisor("store the issue")
    )


async def choose_target(
    request: FixRequest,
    snapshot: Snapshot,
    base: Checkpoint,
    issue: ArtifactRef,
    baseline: TestReport,
    written: WrittenTests | None,
) -> TestReport:
    """Return the baseline with the failing tests that the run is to mend, and the others as known failures."""
    if baseline.results is None or (baseline.failing_count < 2 and not request.target and written is None):
        return baseline
    target = await workflow.execute_activity_method(
        RetrievalActivities.choose_target,
        TargetRequest(
            snapshot=snapshot,
            checkpoint=base,
            repository_path=request.repository_path,
            issue=issue,
            results=baseline.results,
            patterns=request.target,
            written=written,
        ),
        **policies.for_retrieval("choose the target"),
    )
    return baseline.narrow(target)


def _explain_known_failures(report: TestReport) -> str:
    first, others = report.known[0], report.known_count - 1
    more = f" and {format_count(others, 'other test')}" if others else ""
    return (
        f"Nothing fails at HEAD but for what the sandbox lacks: {keep_start(first.describe(), 160)}{more}. "
        "Install it with 'sandbox.setup', or name a test command with --test whose failure is the issue's."
    )


async def run_tests(
    request: FixRequest,
    snapshot: Snapshot,
    checkpoint: Checkpoint,
    environment: Environment,
    summary: str,
    baseline: ArtifactRef | None = None,
) -> TestReport:
    """Run the whole test command on a clean checkout of `checkpoint`; with a `baseline`, refuse a forged result."""
    return await workflow.execute_activity_method(
        SandboxActivities.run_tests,
        TestRequest(
            snapshot=snapshot,
            checkpoint=checkpoint,
            environment=environment,
            spec=request.sandbox,
            baseline=baseline,
        ),
        **policies.for_sandbox(summary, request.sandbox),
    )


async def prepare_run(
    run_id: str,
    request: FixRequest,
    snapshot: Snapshot,
    base: Checkpoint,
    environment: Environment,
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
        spectrum = await workflow.execute_activity_method(
            SandboxActivities.measure_coverage,
            CoverageRequest(
                snapshot=snapshot,
                checkpoint=base,
                environment=environment,
                spec=request.sandbox,
                baseline=baseline.results,
            ),
            **policies.for_sandbox("coverage of the tests", request.sandbox),
        )
    prepared = PreparedRun(
        issue=issue,
        snapshot=snapshot,
        base=base,
        environment=environment,
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
