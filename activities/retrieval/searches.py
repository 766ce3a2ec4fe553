"""Searches of repositories' trees: indexed when they are first asked for, and the latest kept in memory."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from activities.checkpoints.blobs import contents
from activities.retrieval import lexical
from activities.retrieval.building import index_of
from activities.retrieval.embeddings import Vectors, embed
from activities.retrieval.fixes import Fixes, likeness
from activities.retrieval.index import Index
from activities.retrieval.indexing import Indexer
from activities.retrieval.manifest import survey
from activities.retrieval.query import Query
from activities.retrieval.search import Found, Search
from activities.retrieval.store import GraphStore
from hydranet.errors import HydraError
from hydranet.retrieval import Mode
from hydranet.settings import Settings

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_KEPT = 3
_QUERY_CHARACTERS = 2000

_log = logging.getLogger(__name__)


class Searches:
    """Searches over graphs that are made in memory, with lexical vectors."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Search] = OrderedDict()
        self._making = asyncio.Lock()

    async def of(self, folder: Path, commit: str, repository: str) -> Search:
        """The search of a commit in the Git repository `folder`, which the graph knows as `repository`."""
        async with self._making:
            return await self._of(folder, commit, repository)

    async def find(self, search: Search, query: Query, repository: str, mode: Mode = Mode.GRAPH) -> Found:  # noqa: ARG002
        """What a query is about."""
        return await asyncio.to_thread(search.find, query, mode)

    async def remember(self, folder: Path, commit: str, repository: str, issue: str, places: Sequence[str]) -> None:
        """Remember that the fix of an issue has changed the functions at `places`, "path:line" of a commit."""

    async def _of(self, folder: Path, commit: str, repository: str) -> Search:
        if (known := self._known(commit.encode())) is not None:
            return known
        return self._keep(commit.encode(), await asyncio.to_thread(_in_memory, folder, commit, repository))

    def _known(self, key: bytes) -> Search | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: bytes, search: Search) -> Search:
        self._kept[key] = search
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return search


class StoredSearches(Searches):
    """Searches over the store's graphs, with the vectors of the configured model."""

    def __init__(self, pool: AsyncConnectionPool, settings: Settings) -> None:
        super().__init__()
        self.store = GraphStore(pool)
        self.fixes = Fixes(pool)
        self._indexer = Indexer(self.store)
        self._vectors = Vectors(self.store, settings.models)
        self._models = settings.models
        self._model = settings.embedding_model

    async def find(self, search: Search, query: Query, repository: str, mode: Mode = Mode.GRAPH) -> Found:
        """What a query is about, and where earlier fixes of like issues were."""
        fixed = likeness(await self.fixes.of(repository), query.terms) if mode is Mode.GRAPH else {}
        vector = None
        if self._model and search.index.vectors is not None and mode is not Mode.BM25:
            try:
                vector = (await embed([query.text[:_QUERY_CHARACTERS]], self._model, self._models))[0]
            except HydraError as error:
                _log.warning("Searching without vectors: %s", error)
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
            if (known := self._known(tree)) is None:
                known = self._keep(tree, await self._loaded(tree))
                await self.store.prune()
            return known
        except Exception:
            _log.warning("The code graph of %s cannot be kept; it is made in memory.", repository, exc_info=True)
            return await super()._of(folder, commit, repository)

    async def _loaded(self, tree: bytes) -> Search:
        try:
            while (await self._vectors.embed(tree, self._model)).left:
                pass
        except HydraError as error:
            _log.warning("Searching without some vectors: %s", error)
        graph = await self.store.load(tree)
        rows = await self.store.vectors(tree, self._model or lexical.MODEL, graph.nodes)
        rarity = lexical.rarity(rows) if rows is not None and not self._model else None
        vectors = rows if rows is None or rarity is None else lexical.weighted(rows, rarity)
        index = await asyncio.to_thread(Index, graph.nodes, graph.bodies, graph.edges, vectors, rarity)
        return Search(index)


def _in_memory(folder: Path, commit: str, repository: str) -> Search:
    files = survey(folder, commit, repository).files
    read = dict(contents(folder, {file.oid for file in files}))
    return Search(index_of({file.path: read[file.oid] for file in files}))
