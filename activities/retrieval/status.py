"""What the index of a repository holds, and what of the repository it does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from activities.retrieval import hashed_vectors
from activities.retrieval.manifest import survey_tree

if TYPE_CHECKING:
    from activities.retrieval.store import GraphStore, Head


@dataclass(frozen=True, slots=True)
class Status:
    """The index of a repository beside its HEAD.

    `changed`, `added` and `gone` are the paths that differ; `edges` counts by kind and resolution, `vectors` and
    `missing` ones by model: by those that have made some, and by the configured one.
    `size` in bytes is that of the graphs of all repositories, which share what they have in common, and `trees` how
    many they are.
    """

    head: Head
    commit: str
    files: int
    changed: list[str]
    added: list[str]
    gone: list[str]
    nodes: int
    edges: Mapping[tuple[str, str], int]
    vectors: Mapping[str, int]
    missing: Mapping[str, int]
    size: int
    trees: int

    @property
    def stale(self) -> list[str]:
        """The files whose part of the index is not that of HEAD."""
        return sorted([*self.changed, *self.added, *self.gone])


async def read_status(store: GraphStore, folder: Path, model: str = "") -> Status | None:
    """Return the state of the index of the repository in `folder` for `model`; None when it has none."""
    head = await store.head(str(folder))
    if head is None:
        return None
    manifest = await asyncio.to_thread(survey_tree, folder, "HEAD", str(folder))
    left_out = await store.skipped({file.blob for file in manifest.files})
    now = {file.path: file.blob for file in manifest.files if file.blob not in left_out}
    then = {file.path: file.blob for file in await store.files(head.tree)}
    vectors = await store.vector_counts(head.tree)
    models = {*vectors, model} - {""} or {hashed_vectors.MODEL}
    return Status(
        head=head,
        commit=manifest.commit,
        files=len(then),
        changed=[path for path in now if path in then and now[path] != then[path]],
        added=[path for path in now if path not in then],
        gone=[path for path in then if path not in now],
        nodes=await store.node_count(head.tree),
        edges=await store.edge_counts(head.tree),
        vectors=vectors,
        missing={model: len(await store.without_vector(head.tree, model)) for model in models},
        size=await store.size(),
        trees=await store.tree_count(),
    )
