"""Deterministic commits: parent, diff and message decide the sha, so that a retry gives the same one."""

import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from activities.git.command import GitError, run_git
from activities.git.trees import commit_tree, read_blob
from hydranet import patches
from hydranet.errors import PatchError
from hydranet.text.escaping import escape_controls


def commit_diff(repository: Path, parent: str, diff: str, message: str) -> str:
    """Commit `diff` (a unified diff, may be empty) on top of `parent` and return the commit's sha.

    Raises PatchError when the diff does not apply.
    """
    changed = patches.apply_diff(diff, lambda path: read_blob(repository, parent, path)) if diff else {}
    _check_links(repository, parent, changed)
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        run_git(repository, "read-tree", parent, env=index)
        for path, text in changed.items():
            if text is None:
                run_git(repository, "update-index", "--force-remove", "--", path, env=index)
                continue
            blob = run_git(repository, "hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
            entry = f"{_mode(repository, parent, path)} {blob}\t{path}\0"
            run_git(repository, "update-index", "-z", "--index-info", stdin=entry.encode(), env=index)
        tree = run_git(repository, "write-tree", env=index).decode().strip()
    # Whoever reads the commits in a terminal may have a pager that obeys them.
    return commit_tree(repository, tree, parent, escape_controls(message))


def make_bundle(repository: Path, base: str, commit: str) -> bytes:
    """Make a thin bundle of `base..commit`: a few KB, applied by `git bundle unbundle` where `base` is."""
    # A bundle holds references, never bare commits.
    reference = f"refs/bundles/{commit}"
    run_git(repository, "update-ref", reference, commit)
    return run_git(repository, "bundle", "create", "--quiet", "-", reference, f"^{base}")


def _check_links(repository: Path, commit: str, paths: Iterable[str]) -> None:
    """Refuse to write to or through what is no regular file or folder: a link, another repository."""
    for path in paths:
        for part in (path, *map(str, PurePosixPath(path).parents)):
            entry = run_git(repository, "ls-tree", "-z", commit, "--", part) if part != "." else b""
            if entry.startswith((b"120", b"160")):
                raise PatchError(f"The patch changes {path}, which is a link or below one.")


def _mode(repository: Path, commit: str, path: str) -> str:
    try:
        entry = run_git(repository, "ls-tree", "-z", commit, "--", path)
    except GitError:
        return "100644"
    return entry.split()[0].decode() if entry else "100644"
