"""Git objects on a node: the snapshot unpacked once, checkpoints fetched as thin bundles."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from activities.git.command import GitError, check_id, run_git
from activities.git.packs import require_commit, unbundle, unpack
from activities.git.trees import CommitTree, measure_contents, read_blob, walk_tree
from hydranet.contracts import Checkpoint, Snapshot

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore


class GitObjects:
    """One bare repository per snapshot below `folder`, filled from the artifact store on demand."""

    def __init__(self, folder: Path, artifacts: ArtifactStore) -> None:
        self._folder = folder
        self._artifacts = artifacts

    async def repository(self, snapshot: Snapshot) -> Path:
        """Return the bare repository that holds the snapshot's commit; fetch it the first time."""
        repository = self._folder / "objects" / check_id(snapshot.commit)
        if not (repository / "complete").exists():
            pack = await self._artifacts.get(snapshot.pack)
            await asyncio.to_thread(unpack, repository, snapshot.commit, pack)
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

    async def read(self, snapshot: Snapshot, checkpoint: Checkpoint, path: str) -> str | None:
        """Return the text of the regular file `path` at the checkpoint; None when there is none that can be read."""
        repository = await self.fetch(snapshot, checkpoint)
        return await asyncio.to_thread(read_blob, repository, checkpoint.commit, path)

    async def checkout(self, snapshot: Snapshot, checkpoint: Checkpoint) -> Path:
        """Return a read-only folder with the checkpoint's files, made once per commit and never written to."""
        repository = await self.fetch(snapshot, checkpoint)
        tree = self._folder / "trees" / checkpoint.commit
        await asyncio.to_thread(_checkout, repository, checkpoint.commit, tree)
        return tree


def _has(repository: Path, commit: str) -> bool:
    try:
        require_commit(repository, commit)
    except GitError:
        return False
    return True


def _checkout(repository: Path, commit: str, tree: Path) -> None:
    if tree.exists():
        return
    tree.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{tree}.lock"):
        if tree.exists():
            return
        # Counted first: a small pack can hold more files than a disk.
        measure_contents(repository, walk_tree(repository, commit))
        partial = tree.with_name(f"{tree.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            run_git(repository, "read-tree", commit, env=index)
            run_git(repository, f"--work-tree={partial}", "checkout-index", "--all", "--force", env=index)
        partial.rename(tree)
