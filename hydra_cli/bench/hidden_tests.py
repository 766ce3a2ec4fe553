"""Hidden tests of a benchmark: run on a fix, in a sandbox, where nothing that looked for the fix could see them."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import RepositoryActivities
from activities.git.command import run_git
from activities.git.objects import GitObjects
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.backends import open_sandbox
from hydranet.contracts import Checkpoint, PrepareRequest, SandboxSpec, SnapshotRequest, TestRequest
from hydranet.settings import Settings

FOLDER = "hidden"


async def passes_hidden(instance: Path, repository: Path, commit: str, chosen: Settings) -> bool | None:
    """Whether the tree of `commit` passes an instance's hidden tests; None when it has none.

    The tests are put into a copy of the tree, beside the tests that are there.
    """
    tests = instance / FOLDER
    if not tests.is_dir():
        return None
    own = chosen.sandbox.model_dump(include=set(SandboxSpec.model_fields))
    spec = SandboxSpec.model_validate({**own, "test_command": f"python -m pytest -q {FOLDER}"})
    cache = chosen.data_dir / "cache"
    with tempfile.TemporaryDirectory(prefix="hydra-hidden-") as folder:
        copy = await asyncio.to_thread(_copy, repository, commit, tests, Path(folder) / "repository")
        artifacts = FolderArtifacts(Path(folder) / "artifacts")
        objects = GitObjects(Path(folder) / "nodes", artifacts)
        request = SnapshotRequest(repository_path=str(copy), limit_mb=chosen.repository_limit_mb)
        snapshot = await RepositoryActivities(artifacts).snapshot_repository(request)
        async with open_sandbox(chosen.sandbox, Path(folder)) as sandbox:
            activities = SandboxActivities(sandbox, artifacts, objects, cache)
            environment = await activities.prepare_environment(PrepareRequest(snapshot=snapshot, spec=spec))
            base = Checkpoint(commit=snapshot.commit)
            report = await activities.run_tests(
                TestRequest(snapshot=snapshot, checkpoint=base, environment=environment, spec=spec)
            )
    return report.passed


def _copy(repository: Path, commit: str, tests: Path, target: Path) -> Path:
    """A repository with the tree of `commit` and the hidden tests in one commit on top of it."""
    run_git(repository, "worktree", "add", "--quiet", "--detach", str(target), commit)
    shutil.copytree(tests, target / FOLDER)
    run_git(target, "add", "--all", "--force")
    run_git(target, "commit", "--quiet", "--message", "The hidden tests")
    return target


def describe_hidden(passed: bool | None) -> str:
    """What a report says of an instance's hidden tests."""
    return "" if passed is None else "passed" if passed else "failed"
