"""The failing tests of a suite's instances, with their tracebacks: run in the sandbox, as a run does at its base."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import track

from activities.artifacts.store import FolderArtifacts, get_model
from activities.checkpoints.activities import RepositoryActivities
from activities.git.objects import GitObjects
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.backends import open_sandbox
from hydra_cli.bench.suite import BugInstance, commit_tree
from hydranet.contracts import Checkpoint, PrepareRequest, SandboxSpec, SnapshotRequest, TestRequest, TestResult
from hydranet.contracts import TestResults as Results
from hydranet.errors import HydraError
from hydranet.settings import Settings

_MOST = 10


def run_failing_tests(
    suite: Path, instances: Mapping[str, BugInstance], chosen: Settings
) -> dict[str, list[TestResult]]:
    """At most ten failing tests of each instance; none of one whose tests cannot be run, which is said."""
    told = Console(stderr=True)
    found: dict[str, list[TestResult]] = {}
    for folder, instance in track(list(instances.items()), description="running the tests", console=told):
        try:
            found[folder] = asyncio.run(_failing(suite / folder / "repo", instance, chosen))
        except HydraError as error:
            told.print(f"{instance.id}: {error}", markup=False)
            found[folder] = []
    return found


async def _failing(source: Path, instance: BugInstance, chosen: Settings) -> list[TestResult]:
    own = chosen.sandbox.model_dump(include=set(SandboxSpec.model_fields))
    spec = SandboxSpec.model_validate({**own, **instance.sandbox})
    with tempfile.TemporaryDirectory(prefix="hydra-failing-") as folder:
        repository = await asyncio.to_thread(commit_tree, source, Path(folder) / "repository")
        artifacts = FolderArtifacts(Path(folder) / "artifacts")
        objects = GitObjects(Path(folder) / "nodes", artifacts)
        request = SnapshotRequest(repository_path=str(repository.path), limit_mb=chosen.repository_limit_mb)
        snapshot = await RepositoryActivities(artifacts).snapshot_repository(request)
        async with open_sandbox(chosen.sandbox, Path(folder)) as sandbox:
            activities = SandboxActivities(sandbox, artifacts, objects, chosen.data_dir / "cache")
            environment = await activities.prepare_environment(PrepareRequest(snapshot=snapshot, spec=spec))
            base = Checkpoint(commit=snapshot.commit)
            report = await activities.run_tests(
                TestRequest(snapshot=snapshot, checkpoint=base, environment=environment, spec=spec)
            )
        assert report.results is not None
        results = await get_model(artifacts, report.results, Results)
    return [test for test in results.tests if test.is_failing][:_MOST]
