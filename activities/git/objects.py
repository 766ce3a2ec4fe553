"""Git objects on a node: the snapshot unpacked once, checkpoints fetched as thin bundles."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from activities.cache_use import mark_used
from activities.git.command import GitError, check_id, run_git
from activities.git.packs import require_commit, unbundle, unpack
from activities.git.submodules import PlacedTree
from activities.git.trees import CommitTree, Extent, measure_contents, read_blob, walk_tree
from hydranet.contracts import Checkpoint, Snapshot, Submodule

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore


class GitObjects:
    """One bare repository per snapshot and submodule below `folder`, filled from the artifact store on demand."""

    def __init__(self, folder: Path, artifacts: ArtifactStore) -> None:
        self._folder = folder
        self._artifacts = artifacts

    async def repository(self, snapshot: Snapshot | Submodule) -> Path:
        """Return the bare repository that holds the snapshot's or submodule's commit; fetch it the first time."""
        repository = self._folder / "objects" / check_id(snapshot.commit)
        if not (repository / "complete").exists():
            pack = await self._artifacts.get(snapshot.pack)
            await asyncio.to_thread(unpack, repository, snapshot.commit, pack)
        mark_used(repository)
        return repository

    async def fetch(self, snapshot: Snapshot, checkpoint: Checkpoint) -> Path:
        """Return the bare repository, with the checkpoint's commit in it."""
        repository = await self.repository(snapshot)
        if checkpoint.bundle is not None and not await asyncio.to_thread(_has, repository, check_id(checkpoint.commit)):
            bundle = await self._artifacts.get(checkpoint.bundle)
            await asyncio.to_thread(unbundle, repository, bundle, checkpoint.commit)
        return repository

    async def files(self, snapshot: Snapshot, checkpoint: Checkpoint) -> list[str]:
        """List the paths of all regular files at the checkpoint, sorted."""
        return (await self.list_tree(snapshot, checkpoint)).files

    async def list_tree(self, snapshot: Snapshot, checkpoint: Checkpoint) -> CommitTree:
        """List all that the checkpoint holds."""
        repository = await self.fetch(snapshot, checkpoint)
        return await asyncio.to_thread(walk_tree, repository, checkpoint.commit)

    async def list_trees(self, snapshot: Snapshot, checkpoint: Checkpoint) -> list[PlacedTree]:
        """List all that the checkpoint holds, and behind it all that the snapshot's submodules hold."""
        trees = [PlacedTree("", await self.repository(snapshot), await self.list_tree(snapshot, checkpoint))]
        named = trees[0].submodules
        for submodule in snapshot.submodules:
            if named.get(submodule.path) != submodule.commit:
                raise GitError(f"The snapshot has a submodule at {submodule.path} that its commit does not name.")
            repository = await self.repository(submodule)
            listing = await asyncio.to_thread(walk_tree, repository, submodule.commit)
            trees.append(PlacedTree(f"{submodule.path}/", repository, listing))
            named |= trees[-1].submodules
        return trees

    async def read(self, snapshot: Snapshot, checkpoint: Checkpoint, path: str) -> str | None:
        """Return the text of the regular file `path` at the checkpoint; None when there is none that can be read."""
        repository = await self.fetch(snapshot, checkpoint)
        return await asyncio.to_thread(read_blob, repository, checkpoint.commit, path)

    async def checkout(self, snapshot: Snapshot, checkpoint: Checkpoint) -> Path:
        """Return a read-only folder with the files of the checkpoint and of its submodules.

        It is made once for both, and never written to.
        """
        folder = self._folder / "trees" / snapshot.name_files(check_id(checkpoint.commit))
        if not folder.exists():
            await asyncio.to_thread(_checkout, await self.list_trees(snapshot, checkpoint), folder)
        mark_used(folder)
        return folder


def _has(repository: Path, commit: str) -> bool:
    try:
        require_commit(repository, commit)
    except GitError:
        return False
    return True


def _checkout(trees: Sequence[PlacedTree], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.exists():
            return
        # Counted first: a small pack can hold more files than a disk.
        extent = Extent()
        for tree in trees:
            measure_contents(tree.repository, tree.listing, extent)
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for tree in trees:
            # Git has made it, empty, when the tree above names a submodule there.
            place = partial / tree.folder
            place.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory() as scratch:
                index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
                run_git(tree.repository, "read-tree", tree.listing.commit, env=index)
                run_git(tree.repository, f"--work-tree={place}", "checkout-index", "--all", "--force", env=index)
        partial.rename(folder)
