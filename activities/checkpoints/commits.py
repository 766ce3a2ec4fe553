"""Deterministic commits: parent, diff and message decide the sha, so that a retry gives the same one."""

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from activities.git.command import check_id, run_git
from activities.git.trees import TreeReader, commit_tree, read_content
from hydranet import patches
from hydranet.errors import PatchError
from hydranet.text.escaping import escape_controls
from hydranet.text.source_encoding import encode_source, read_text


def commit_diff(repository: Path, parent: str, diff: str, message: str) -> str:
    """Commit `diff` (a unified diff, may be empty) on top of `parent` and return the commit's sha.

    Raises PatchError when the diff does not apply.
    """
    read = functools.cache(functools.partial(read_content, repository, parent))
    changed = patches.apply_diff(diff, lambda path: read_text(path, read(path))) if diff else {}
    with TreeReader(repository, check_id(parent)) as reader:
        _check_links(reader, changed)
        before = {path: reader.find(path) for path in changed}
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        run_git(repository, "read-tree", parent, env=index)
        for path, text in changed.items():
            item = before[path]
            row = f"0 {'0' * len(parent)}"
            if text is not None:
                content = encode_source(path, text, read(path))
                blob = run_git(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
                row = f"{'100644' if item is None else f'{item.mode:06o}'} {blob}"
            run_git(repository, "update-index", "-z", "--index-info", stdin=f"{row}\t{path}\0".encode(), env=index)
        tree = run_git(repository, "write-tree", env=index).decode().strip()
    # Whoever reads the commits in a terminal may have a pager that obeys them.
    return commit_tree(repository, tree, parent, escape_controls(message))


def make_bundle(repository: Path, base: str, commit: str) -> bytes:
    """Make a thin bundle of `base..commit`: a few KB, applied by `unbundle` where `base` is."""
    # A bundle holds references, never bare commits.
    reference = f"refs/bundles/{check_id(commit)}"
    run_git(repository, "update-ref", reference, commit)
    return run_git(repository, "bundle", "create", "--quiet", "-", reference, f"^{check_id(base)}")


def _check_links(reader: TreeReader, paths: Iterable[str]) -> None:
    """Refuse to write to or through what is no regular file or folder: a link, another repository."""
    for path in paths:
        for part in (path, *map(str, PurePosixPath(path).parents)):
            item = reader.find(part) if part != "." else None
            if item is not None and item.is_link:
                raise PatchError(f"The patch changes {path}, which is a link or below one.")
