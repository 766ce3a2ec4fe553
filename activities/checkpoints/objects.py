"""Git objects on a node: the snapshot unpacked once, checkpoints fetched as thin bundles."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from filelock import FileLock

from hydranet.contracts import Checkpoint, Snapshot
from hydranet.errors import FatalError

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore

# Nothing a repository declares may run on the host, and a commit's bytes depend on its content alone.
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "5",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": os.devnull,
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "gc.auto",
    "GIT_CONFIG_VALUE_2": "0",
    "GIT_CONFIG_KEY_3": "safe.directory",
    "GIT_CONFIG_VALUE_3": "*",
    "GIT_CONFIG_KEY_4": "core.commitGraph",
    "GIT_CONFIG_VALUE_4": "false",
    "GIT_AUTHOR_NAME": "HydraNet",
    "GIT_AUTHOR_EMAIL": "hydranet@localhost",
    "GIT_COMMITTER_NAME": "HydraNet",
    "GIT_COMMITTER_EMAIL": "hydranet@localhost",
}


class GitError(FatalError):
    """A git command failed; the message ends with what it printed."""


def git(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in `folder`, with no hook and no configuration but the repository's own, and return its output."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={**_ENVIRONMENT, **(env or {})},
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-400:]
        raise GitError(f"git {arguments[0]} failed: {said}")
    return done.stdout


class GitObjects:
    """One bare repository per snapshot below `folder`, filled from the artifact store on demand."""

    def __init__(self, folder: Path, artifacts: ArtifactStore) -> None:
        self._folder = folder
        self._artifacts = artifacts

    async def repository(self, snapshot: Snapshot) -> Path:
        """The bare repository that holds the snapshot's commit; fetched the first time."""
        repository = self._folder / "objects" / snapshot.commit
        if not (repository / "complete").exists():
            pack = await self._artifacts.get(snapshot.pack)
            await asyncio.to_thread(_unpack, repository, snapshot.commit, pack)
        return repository

    async def fetch(self, snapshot: Snapshot, checkpoint: Checkpoint) -> Path:
        """The bare repository, with the checkpoint's commit in it."""
        repository = await self.repository(snapshot)
        if checkpoint.bundle is not None and not await asyncio.to_thread(_has, repository, checkpoint.commit):
            bundle = await self._artifacts.get(checkpoint.bundle)
            await asyncio.to_thread(_unbundle, repository, bundle)
        return repository

    async def files(self, snapshot: Snapshot, checkpoint: Checkpoint) -> list[str]:
        """The paths of all regular files at the checkpoint, sorted."""
        repository = await self.fetch(snapshot, checkpoint)
        listing = await asyncio.to_thread(git, repository, "ls-tree", "-r", "-z", checkpoint.commit)
        entries = (entry.split("\t", 1) for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry)
        return sorted(path for meta, path in entries if meta.startswith("100"))

    async def read(self, snapshot: Snapshot, checkpoint: Checkpoint, path: str) -> str | None:
        """The text of the regular file `path` at the checkpoint; None when there is none or it is not UTF-8."""
        repository = await self.fetch(snapshot, checkpoint)
        return await asyncio.to_thread(read_blob, repository, checkpoint.commit, path)

    async def checkout(self, snapshot: Snapshot, checkpoint: Checkpoint) -> Path:
        """A read-only folder with the checkpoint's files, made once per commit and never written to."""
        repository = await self.fetch(snapshot, checkpoint)
        tree = self._folder / "trees" / checkpoint.commit
        await asyncio.to_thread(_checkout, repository, checkpoint.commit, tree)
        return tree


def commit_tree(repository: Path, tree: str, parent: str, message: str) -> str:
    """Commit `tree` on top of `parent`, dated like the parent: the same arguments give the same sha."""
    date = git(repository, "log", "-1", "--format=%ct +0000", parent).decode().strip()
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    made = git(repository, "commit-tree", tree, "-p", parent, stdin=message.encode(), env=dates)
    return made.decode().strip()


def is_inside(path: str) -> bool:
    """Whether `path` is a plain relative path below the repository and outside its .git."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and "\0" not in path
        and "\\" not in path
        and ".." not in parts
        and all(part.lower() != ".git" for part in parts)
    )


def _has(repository: Path, commit: str) -> bool:
    try:
        git(repository, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        return False
    return True


def read_blob(repository: Path, commit: str, path: str) -> str | None:
    """The text of the regular file `path` at `commit`; None when there is none or it is not UTF-8."""
    if not is_inside(path):
        return None
    entry = git(repository, "ls-tree", "-z", commit, "--", path)
    if not entry.startswith(b"100"):
        return None
    blob = entry.split(b"\t", 1)[0].split()[2].decode()
    try:
        return git(repository, "cat-file", "blob", blob).decode()
    except UnicodeDecodeError:
        return None


def _unpack(repository: Path, commit: str, pack: bytes) -> None:
    repository.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{repository}.lock"):
        if (repository / "complete").exists():
            return
        shutil.rmtree(repository, ignore_errors=True)
        repository.mkdir()
        git(repository, "init", "--quiet", "--bare", ".")
        # The history before the snapshot stays with the user: its commit has no parents here.
        (repository / "shallow").write_text(commit + "\n")
        git(repository, "index-pack", "--stdin", "--strict", stdin=pack)
        git(repository, "update-ref", "refs/heads/base", commit)
        (repository / "complete").touch()


def _unbundle(repository: Path, bundle: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(bundle)
        file.flush()
        git(repository, "bundle", "unbundle", file.name)


def _checkout(repository: Path, commit: str, tree: Path) -> None:
    if tree.exists():
        return
    tree.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{tree}.lock"):
        if tree.exists():
            return
        partial = tree.with_name(f"{tree.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            git(repository, "read-tree", commit, env=index)
            git(repository, f"--work-tree={partial}", "checkout-index", "--all", "--force", env=index)
        partial.rename(tree)
