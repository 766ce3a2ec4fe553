"""A run works only in a repository that its user has named on this host, and only a run publishes its fix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import RepositoryActivities
from activities.checkpoints.registry import FILE, RepositoryRegistry
from hydranet.contracts import FIX_WORKFLOW, PublishRequest, SnapshotRequest
from hydranet.errors import FatalError, UsageError
from tests.integration.checkpoints.test_checkpoints import artifacts, git, repository

__all__ = ["artifacts", "repository"]


@pytest.fixture
def registry(tmp_path: Path) -> RepositoryRegistry:
    (tmp_path / "data").mkdir()
    return RepositoryRegistry(tmp_path / "data", "ada")


def test_it_holds_what_was_added_and_not_removed(registry: RepositoryRegistry, tmp_path: Path) -> None:
    assert [registry.add(path) for path in ("/b", "/a", "/b")] == [True, True, False]
    assert registry.paths == ("/b", "/a")
    assert [registry.remove("/b") for _ in range(2)] == [True, False]
    assert RepositoryRegistry(tmp_path / "data").paths == ("/a",)
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(FatalError, match=r"/b is not registered on ada.*`hydra repo add /b`"):
        registry.check("/b")


def test_commands_that_register_together_lose_none(registry: RepositoryRegistry) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: registry.add(f"/{n}"), range(40)))
    assert len(registry.paths) == 40


def test_runs_from_before_are_taken_in_once(registry: RepositoryRegistry) -> None:
    registry.add("/new")
    registry.adopt(["/old"])
    registry.adopt(["/later"])
    assert registry.paths == ("/new", "/old")


@pytest.mark.parametrize("content", ["{", '{"repositories": "/"}', '["/"]'])
def test_a_file_of_another_form_registers_nothing(registry: RepositoryRegistry, tmp_path: Path, content: str) -> None:
    (tmp_path / "data" / FILE).write_text(content)
    with pytest.raises(UsageError, match="put its copy back"):
        registry.add("/")
    with pytest.raises(FatalError):
        registry.check("/")


async def test_what_is_not_registered_is_neither_read_nor_written(
    registry: RepositoryRegistry, artifacts: FolderArtifacts, repository: Path
) -> None:
    activities = RepositoryActivities(artifacts, registry=registry)
    head = git(repository, "rev-parse", "HEAD")
    snapshot = SnapshotRequest(repository_path=str(repository))
    publication = PublishRequest(repository_path=str(repository), run_id="fix-1", slug="x", base=head, fix=None)
    for call in (
        activities.snapshot_repository(snapshot),
        activities.review_fix(publication),
        activities.publish_fix(publication),
    ):
        with pytest.raises(ApplicationError, match="is not registered on ada"):
            await call
    registry.add(str(repository))
    assert (await activities.snapshot_repository(snapshot)).commit == head
    await activities.publish_fix(publication)


@pytest.mark.parametrize("caller", [("fix-2", FIX_WORKFLOW), ("fix-1", "BranchWorkflow"), (None, None)])
async def test_only_the_run_itself_publishes_its_fix(
    artifacts: FolderArtifacts, repository: Path, caller: tuple[str | None, str | None]
) -> None:
    environment = ActivityEnvironment()
    request = PublishRequest(repository_path=str(repository), run_id="fix-1", slug="x", base="b", fix=None)
    activities = RepositoryActivities(artifacts)
    environment.info = replace(ActivityEnvironment.default_info(), workflow_id=caller[0], workflow_type=caller[1])
    with pytest.raises(ApplicationError, match="only that run itself"):
        await environment.run(activities.publish_fix, request)
