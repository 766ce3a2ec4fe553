"""The tests of a suite's instance, run in a sandbox as a run does: at its base, and the hidden ones on a fix."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import track

from activities.artifacts.store import FolderArtifacts, get_model, put_text
from activities.artifacts.variables import HeldVariables
from activities.checkpoints.activities import RepositoryActivities
from activities.git.command import run_git
from activities.git.objects import GitObjects
from activities.retrieval.activities import RetrievalActivities
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.backends import open_sandbox
from activities.sandbox.protocol import Sandbox
from hydra_cli.bench.suite import HIDDEN, BugInstance, check_out
from hydra_cli.terminal import make_console, print_plain
from hydranet.contracts import (
    ArtifactRef,
    Checkpoint,
    CoverageRequest,
    Environment,
    PrepareRequest,
    RetrieveRequest,
    SandboxSpec,
    Snapshot,
    SnapshotRequest,
    TargetRequest,
    TestReport,
    TestRequest,
    TestResult,
    Work,
)
from hydranet.contracts import TestResults as Results
from hydranet.errors import HydraError
from hydranet.settings import Settings
from hydranet.strategy import TEMPLATES
from workers.sealing import load_keys

if TYPE_CHECKING:
    from activities.retrieval.search_cache import Searches

_MOST = 10


@dataclass(frozen=True)
class PreparedRepository:
    """A repository's snapshot and its environment, with the activities of a node that runs its tests."""

    artifacts: FolderArtifacts
    objects: GitObjects
    sandbox: SandboxActivities
    spec: SandboxSpec
    snapshot: Snapshot
    environment: Environment

    @property
    def base(self) -> Checkpoint:
        """The commit of the snapshot."""
        return Checkpoint(commit=self.snapshot.commit)

    async def run_tests(self) -> TestReport:
        """Run the tests at the base."""
        return await self.sandbox.run_tests(
            TestRequest(snapshot=self.snapshot, checkpoint=self.base, environment=self.environment, spec=self.spec)
        )

    async def choose_target(self, repository: Path, issue: str, report: TestReport, searches: Searches) -> TestReport:
        """Return the report of the tests at the base with the failing tests that a run would mend."""
        if report.results is None or report.failing_count < 2:
            return report
        target = await RetrievalActivities(self.artifacts, self.objects, searches).choose_target(
            TargetRequest(
                snapshot=self.snapshot,
                checkpoint=self.base,
                repository_path=str(repository),
                issue=await put_text(self.artifacts, issue),
                results=report.results,
            )
        )
        return report.narrow(target)

    async def measure_coverage(self, results: ArtifactRef) -> ArtifactRef:
        """Return the spectrum of the tests at the base, whose results are given."""
        return await self.sandbox.measure_coverage(
            CoverageRequest(
                snapshot=self.snapshot,
                checkpoint=self.base,
                environment=self.environment,
                spec=self.spec,
                baseline=results,
            )
        )

    async def retrieve(
        self,
        run_id: str,
        repository: Path,
        issue: str,
        results: ArtifactRef,
        spectrum: ArtifactRef | None,
        searches: Searches,
    ) -> Work:
        """Return what localisation needs: the spectrum, and the code for the issue and the failing tests."""
        retrieval = await RetrievalActivities(self.artifacts, self.objects, searches).retrieve(
            RetrieveRequest(
                snapshot=self.snapshot,
                checkpoint=self.base,
                repository_path=str(repository),
                issue=await put_text(self.artifacts, issue),
                results=results,
            )
        )
        return Work(
            run_id=run_id,
            model=TEMPLATES,
            snapshot=self.snapshot,
            checkpoint=self.base,
            context=retrieval.context,
            spectrum=spectrum,
        )

    async def read_results(self, report: TestReport) -> tuple[TestResult, ...]:
        """Return the result of each test of a report."""
        if report.results is None:
            return ()
        return (await get_model(self.artifacts, report.results, Results)).tests


@asynccontextmanager
async def prepare(
    repository: Path, settings: Settings, sandbox: Sandbox | None = None
) -> AsyncIterator[PreparedRepository]:
    """Prepare a repository for its tests in `sandbox`, by default that of the settings, until the block is left."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-bench-")))
        artifacts = FolderArtifacts(folder / "artifacts")
        objects = GitObjects(folder / "nodes", artifacts)
        request = SnapshotRequest(repository_path=str(repository), limit_mb=settings.repository_limit_mb)
        snapshot = await RepositoryActivities(artifacts).snapshot_repository(request)
        if sandbox is None:
            sandbox = await stack.enter_async_context(open_sandbox(settings.sandbox, folder))
        variables = HeldVariables(load_keys(settings))
        activities = SandboxActivities(sandbox, artifacts, objects, settings.data_dir / "cache", variables)
        spec = settings.sandbox.make_spec(variables.hold(settings.sandbox.env))
        environment = await activities.prepare_environment(PrepareRequest(snapshot=snapshot, spec=spec))
        yield PreparedRepository(artifacts, objects, activities, spec, snapshot, environment)


def run_failing_tests(instances: Mapping[str, BugInstance], settings: Settings) -> dict[str, list[TestResult]]:
    """Return at most ten failing tests of each instance; none of one whose tests cannot be run, which is told."""
    console = make_console(error=True)
    failing: dict[str, list[TestResult]] = {}
    for name, instance in track(list(instances.items()), description="running the tests", console=console):
        try:
            failing[name] = asyncio.run(_failing(instance, settings))
        except HydraError as error:
            print_plain(console, f"{instance.id}: {error}")
            failing[name] = []
    return failing


async def _failing(instance: BugInstance, settings: Settings) -> list[TestResult]:
    with tempfile.TemporaryDirectory(prefix="hydra-failing-") as folder:
        repository = await asyncio.to_thread(check_out, instance, Path(folder) / "repository")
        async with prepare(repository.path, instance.merge_settings(settings)) as prepared:
            results = await prepared.read_results(await prepared.run_tests())
    return [test for test in results if test.is_failing][:_MOST]


async def passes_hidden(instance: BugInstance, repository: Path, commit: str, settings: Settings) -> bool | None:
    """Return whether the tree of `commit` passes an instance's hidden tests; None when it has none.

    They are put into a copy of the tree, beside the tests that are there: what looked for the fix never saw them.
    """
    tests = instance.folder / HIDDEN
    if not tests.is_dir():
        return None
    own = instance.merge_settings(settings)
    sandbox = own.sandbox.model_copy(update={"test_command": f"python -m pytest -q {HIDDEN}"})
    with tempfile.TemporaryDirectory(prefix="hydra-hidden-") as folder:
        copy = await asyncio.to_thread(_add_tests, repository, commit, tests, Path(folder) / "repository")
        async with prepare(copy, own.model_copy(update={"sandbox": sandbox})) as prepared:
            return (await prepared.run_tests()).passed


def describe_hidden(passed: bool | None) -> str:
    """Return what a report says of an instance's hidden tests."""
    return "" if passed is None else "passed" if passed else "failed"


def _add_tests(repository: Path, commit: str, tests: Path, target: Path) -> Path:
    run_git(repository, "worktree", "add", "--quiet", "--detach", str(target), commit)
    shutil.copytree(tests, target / HIDDEN)
    run_git(target, "add", "--all", "--force")
    run_git(target, "commit", "--quiet", "--message", "The hidden tests")
    return target
