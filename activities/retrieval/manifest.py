"""The manifest of a commit: which of its files are to be indexed, and how many are left out for what reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from activities.git.trees import resolve_revision, sort_entries, walk_tree
from activities.retrieval.content_keys import blob_address, tree_address
from activities.retrieval.file_filter import filter_path
from activities.retrieval.languages import SUFFIXES


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """A file to be indexed, with git's id of its content."""

    path: str
    oid: str

    @property
    def blob(self) -> bytes:
        """The address of what is made of it."""
        return blob_address(self.oid, self.path)


class Manifest(msgspec.Struct, frozen=True):
    """The files of `commit` of a repository; `tree` is git's id of the commit's tree."""

    repository: str
    commit: str
    tree: str
    files: tuple[Wanted, ...]
    skipped: dict[str, int]

    @property
    def address(self) -> bytes:
        """The address of the tree's graph."""
        return tree_address(self.tree)


def survey_tree(folder: Path, commit: str, repository: str) -> Manifest:
    """List a commit of the Git repository of ours in `folder`, which the graph is to know as `repository`."""
    listing = walk_tree(folder, resolve_revision(folder, commit))
    entries = sort_entries(folder, listing)
    paths = {entry.path for entry in entries}
    reasons = {entry.path: filter_path(entry.path, entry.size, paths, SUFFIXES) for entry in entries}
    return Manifest(
        repository=repository,
        commit=listing.commit,
        tree=listing.tree,
        files=tuple(Wanted(entry.path, entry.oid) for entry in entries if reasons[entry.path] is None),
        skipped=dict(Counter(str(reason) for reason in reasons.values() if reason is not None)),
    )


def pack_manifest(manifest: Manifest | Sequence[Wanted]) -> bytes:
    """Return a manifest, or some of its files, as bytes."""
    return msgspec.msgpack.encode(manifest)


def unpack_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`."""
    return msgspec.msgpack.decode(data, type=Manifest)


def unpack_files(data: bytes) -> list[Wanted]:
    """Return the files in `data`."""
    return msgspec.msgpack.decode(data, type=list[Wanted])
