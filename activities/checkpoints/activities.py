"""Activities on the user's repository (snapshot, publish) and on checkpoints (commit)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import (
    FIX_WORKFLOW,
    ArtifactRef,
    Checkpoint,
    CommitRequest,
    Publication,
    PublishRequest,
    Review,
    Snapshot,
    SnapshotRequest,
    Submodule,
)
from hydranet.errors import FatalError
from hydranet.policy import constitution
from hydranet.policy.constitution import Constitution

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.checkpoints.registry import RepositoryRegistry
    from activities.git.objects import GitObjects


class RepositoryActivities:
    """What is done to the user's repository, on the host that has it.

    A worker has the `registry` of what its user has named here; without one the caller is that user. `asks_always`
    says that every fix waits for a person here, whatever the request says.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        load_rules: Callable[[], Constitution] = constitution.load_rules,
        registry: RepositoryRegistry | None = None,
        *,
        asks_always: bool = False,
    ) -> None:
        self._artifacts = artifacts
        self._load_rules = load_rules
        self._registry = registry
        self._asks_always = asks_always

    @activity.defn
    @translate_errors
    async def snapshot_repository(self, request: SnapshotRequest) -> Snapshot:
        """Pack the objects of HEAD and its tree into an artifact, and those of each submodule that is checked out.

        Fatal when over the size limit, and where the repository is not registered here.
        """
        from activities.git.packs import pack_head, read_version

        self._check_registered(request.repository_path)
        head, *below = await asyncio.to_thread(pack_head, Path(request.repository_path), request.limit_mb)
        version = await asyncio.to_thread(read_version, Path(request.repository_path))
        submodules = [Submodule(path=s.path, commit=s.commit, pack=await self._put_pack(s.data)) for s in below]
        pack = await self._put_pack(head.data)
        return Snapshot(commit=head.commit, version=version, pack=pack, submodules=tuple(submodules))

    @activity.defn
    @translate_errors
    async def publish_fix(self, request: PublishRequest) -> Publication:
        """Put the fix on a branch `hydra/fix-…` and the checkpoints under `refs/hydra/`, as the user asked.

        Fatal where the constitution refuses it, or has a person asked who has not approved it, and where the repository
        is not registered here. Only the run itself knows what a person has approved, so nobody else may ask for it.
        """
        from activities.checkpoints.publication import publish
        from activities.checkpoints.review import find_unapproved

        _check_caller(request.run_id)
        decisions = (await self._review(request)).decisions
        if (held := find_unapproved(decisions, request.approved)) is not None:
            raise FatalError(f"The fix is not published: {held.describe()}")
        wanted = [named.checkpoint for named in request.checkpoints]
        if request.fix is not None:
            wanted.append(request.fix)
        bundles = {c.commit: await self._artifacts.get(c.bundle) for c in wanted if c.bundle is not None}
        return await asyncio.to_thread(publish, request, bundles)

    @activity.defn
    @translate_errors
    async def review_fix(self, request: PublishRequest) -> Review:
        """Ask the constitution about a fix: its branch, the files it writes, and secrets in the lines it adds.

        Its diff comes along, for a person who is asked, and what the reviewer objects to in its code.
        """
        review = await self._review(request, shows=True)
        return review.model_copy(update={"asks_always": self._asks_always})

    def _check_registered(self, repository_path: str) -> None:
        if self._registry is not None:
            self._registry.check(repository_path)

    async def _put_pack(self, data: bytes) -> ArtifactRef:
        return await self._artifacts.put(data, "application/x-git-pack")

    async def _review(self, request: PublishRequest, *, shows: bool = False) -> Review:
        from activities.artifacts.store import get_text
        from activities.checkpoints.review import review

        self._check_registered(request.repository_path)
        if request.fix is None:
            return Review()
        bundle = request.fix.bundle
        bundles = {request.fix.commit: await self._artifacts.get(bundle)} if bundle is not None else {}
        issue = await get_text(self._artifacts, request.issue) if shows and request.issue is not None else ""
        return await asyncio.to_thread(review, request, bundles, self._load_rules(), shows=shows, issue=issue)


def _check_caller(run_id: str) -> None:
    if not activity.in_activity():
        return
    info = activity.info()
    if (info.workflow_type, info.workflow_id) != (FIX_WORKFLOW, run_id):
        raise FatalError(f"The fix of {run_id} is not published: only that run itself may ask for it.")


class CheckpointActivities:
    """Commits made from attempts, on a sandbox node."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._objects = objects

    @activity.defn
    @translate_errors
    async def commit_checkpoint(self, request: CommitRequest) -> Checkpoint:
        """Commit a diff on top of a checkpoint; the same request always gives the same commit."""
        from activities.artifacts.store import get_text
        from activities.checkpoints.commits import commit_diff, make_bundle

        repository = await self._objects.fetch(request.snapshot, request.parent)
        diff = await get_text(self._artifacts, request.diff) if request.diff is not None else ""
        commit = await asyncio.to_thread(commit_diff, repository, request.parent.commit, diff, request.message)
        data = await asyncio.to_thread(make_bundle, repository, request.snapshot.commit, commit)
        return Checkpoint(commit=commit, bundle=await self._artifacts.put(data, "application/x-git-bundle"))
