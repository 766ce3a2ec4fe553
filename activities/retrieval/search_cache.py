"""Searches of repositories' trees: indexed when they are first asked for, and the latest kept in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from activities.git.trees import read_contents
from activities.retrieval import hashed_vectors
from activities.retrieval.embeddings import Vectors, embed_texts
from activities.retrieval.fix_history import Fixes, measure_likeness
from activities.retrieval.index import Index, build_index
from activities.retrieval.indexing import Indexer
from activities.retrieval.manifest import survey_tree
from activities.retrieval.query import Query
from activities.retrieval.search import Found, Search
from activities.retrieval.store import GraphStore
from hydranet.code_graph.model import Node
from hydranet.contracts.retrieval import SearchMode
from hydranet.errors import HydraError
from hydranet.settings import Settings

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.git.objects import GitObjects
    from hydranet.contracts import Checkpoint, Snapshot

_KEPT = 3

# A search makes vectors that are missing for so many seconds, and compares by the model's when so few nodes lack one.
_PATIENCE_SECONDS = 5.0
_FEW = 0.1
_QUERY_CHARACTERS = 2000

_log = logging.getLogger(__name__)


class Searches:
    """Searches over graphs that are made in memory, with lexical vectors."""

    def __init__(self) -> None:
        self._kept: LRUCache[bytes, Search] = LRUCache(_KEPT)
        self._making = asyncio.Lock()

    async def open(self, objects: GitObjects, snapshot: Snapshot, checkpoint: Checkpoint, repository: str) -> Search:
        """Return the search of a checkpoint of `repository`, whose objects are fetched if they are not there."""
        return await self.of(await objects.fetch(snapshot, checkpoint), checkpoint.commit, repository)

    async def of(self, folder: Path, commit: str, repository: str) -> Search:
        """Return the search of a commit in the Git repository `folder`, which the graph knows as `repository`."""
        async with self._making:
            return await self._of(folder, commit, repository)

    async def find(self, search: Search, query: Query, repository: str, mode: SearchMode = SearchMode.GRAPH) -> Found:  # noqa: ARG002
        """Return what a query is about."""
        return await asyncio.to_thread(search.find, query, mode)

    async def remember(self, folder: Path, commit: str, repository: str, issue: str, places: Sequence[str]) -> None:
        """Remember that the fix of an issue has changed the functions at `places`, "path:line" of a commit."""

    async def _of(self, folder: Path, commit: str, repository: str) -> Search:
        key = commit.encode()
        if key not in self._kept:
            self._kept[key] = await asyncio.to_thread(_in_memory, folder, commit, repository)
        return self._kept[key]


class StoredSearches(Searches):
    """Searches over the store's graphs: with the vectors of the configured model where they are there, else lexical."""

    def __init__(self, pool: AsyncConnectionPool, settings: Settings) -> None:
        super().__init__()
        self.store = GraphStore(pool)
        self.fixes = Fixes(pool)
        self._indexer = Indexer(self.store)
        self._vectors = Vectors(self.store, settings.models)
        self._models = settings.models
        self._model = settings.embedding_model

    async def find(self, search: Search, query: Query, repository: str, mode: SearchMode = SearchMode.GRAPH) -> Found:
        """Return what a query is about, and where earlier fixes of like issues were."""
        fixed = measure_likeness(await self.fixes.of(repository), query.terms) if mode is SearchMode.GRAPH else {}
        vector = None
        if search.index.vectors is not None and search.index.rarity is None and mode is not SearchMode.BM25:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    vector = (await embed_texts([query.text[:_QUERY_CHARACTERS]], self._model, self._models))[0]
            except (HydraError, TimeoutError) as error:
                _log.warning("Searching without vectors: %s", error or "no answer in time")
        return await asyncio.to_thread(search.find, query, mode, vector, fixed)

    async def remember(self, folder: Path, commit: str, repository: str, issue: str, places: Sequence[str]) -> None:
        """Keep in the database which functions the fix has changed."""
        index = (await self.of(folder, commit, repository)).index
        for place in places:
            path, _, line = place.rpartition(":")
            if (node := index.at(path, int(line))) is not None:
                await self.fixes.add(repository, path, index.nodes[node].name, Query(issue).terms)

    async def _of(self, folder: Path, commit: str, repository: str) -> Search:
        """Parse and link what is new alone; where that fails the tree is indexed in memory."""
        try:
            tree = await self._indexer.ensure(folder, commit, repository)
            if tree not in self._kept or await self._has_vectors_now(self._kept[tree], tree):
                self._kept[tree] = await self._loaded(tree)
                await self.store.prune()
            return self._kept[tree]
        except Exception:
            _log.warning("The code graph of %s cannot be kept; it is made in memory.", repository, exc_info=True)
            return await super()._of(folder, commit, repository)

    async def _loaded(self, tree: bytes) -> Search:
        graph = await self.store.load(tree)
        rarity = None
        if (rows := await self._by_model(tree, graph.nodes)) is None:
            while (await self._vectors.embed(tree, "")).left:
                pass
            if (counts := await self.store.vectors(tree, hashed_vectors.MODEL, graph.nodes)) is not None:
                rarity = hashed_vectors.measure_rarity(counts)
                rows = hashed_vectors.weigh_vectors(counts, rarity)
        index = await asyncio.to_thread(Index, graph.nodes, graph.bodies, graph.edges, rows, rarity)
        return Search(index)

    async def _by_model(self, tree: bytes, nodes: Sequence[Node]) -> NDArray[np.float32] | None:
        if not self._model:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._vectors.embed(tree, self._model)
        except (HydraError, TimeoutError) as error:
            _log.warning("Searching without some vectors: %s", error or "no answer in time")
        return await self.store.vectors(tree, self._model, nodes) if await self._few_missing(tree, len(nodes)) else None

    async def _has_vectors_now(self, search: Search, tree: bytes) -> bool:
        index = search.index
        return bool(self._model) and index.rarity is not None and await self._few_missing(tree, len(index.nodes))

    async def _few_missing(self, tree: bytes, nodes: int) -> bool:
        return len(await self.store.without_vector(tree, self._model)) <= _FEW * nodes


def _in_memory(folder: Path, commit: str, repository: str) -> Search:
    files = survey_tree(folder, commit, repository).files
    read = dict(read_contents(folder, {file.oid for file in files}))
    return Search(build_index({file.path: read[file.oid] for file in files}))
