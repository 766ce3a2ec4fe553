"""Activities of the retrieval queue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translated
from activities.heartbeat import progress
from hydranet.contracts import (
    ArtifactRef,
    Batch,
    Context,
    Embedded,
    EmbedRequest,
    FixedRequest,
    IndexRequest,
    Linked,
    Retrieval,
    RetrieveRequest,
    Survey,
)

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.retrieval.embeddings import Vectors
    from activities.retrieval.indexing import Indexer
    from activities.retrieval.search_cache import Searches


class RetrievalActivities:
    """Finds the code that a model should see."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects, searches: Searches) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._searches = searches

    @activity.defn
    @translated
    async def retrieve(self, request: RetrieveRequest) -> Retrieval:
        """The context of the bug: the failing test, then whole functions, the most suspicious first.

        The tree is indexed as far as it is not; where the graph cannot be kept it is made in memory.
        """
        from activities.artifacts.store import put_model
        from activities.retrieval.context import gather

        context = await gather(request, self._artifacts, self._objects, self._searches)
        return Retrieval(
            context=await put_model(self._artifacts, context),
            shown=tuple(snippet.shown for snippet in context.snippets[:12]),
        )

    @activity.defn
    @translated
    async def remember_fix(self, request: FixedRequest) -> None:
        """Remember which functions a verified fix has changed, so that a similar issue begins there."""
        from activities.artifacts.store import get_model
        from hydranet.contracts import Checkpoint

        issue = (await get_model(self._artifacts, request.context, Context)).issue
        base = Checkpoint(commit=request.snapshot.commit)
        folder = await self._objects.fetch(request.snapshot, base)
        await self._searches.remember(folder, base.commit, request.repository, issue, request.places)


class IndexActivities:
    """Puts the code graph of a repository into the store; each step does only what was not done before."""

    def __init__(self, artifacts: ArtifactStore, indexer: Indexer, vectors: Vectors) -> None:
        self._artifacts = artifacts
        self._indexer = indexer
        self._vectors = vectors

    @activity.defn
    @translated
    async def survey_repository(self, request: IndexRequest) -> Survey:
        """List HEAD on the host that has the repository, and send the contents that are new to the workers."""
        from activities.retrieval.manifest import packed, survey

        folder = Path(request.path)
        manifest = await asyncio.to_thread(survey, folder, "HEAD", request.path)
        missing = await self._indexer.missing(manifest)
        await self._indexer.send(folder, missing)
        return Survey(
            manifest=await self._artifacts.put(packed(manifest), "application/x-msgpack"),
            missing=await self._artifacts.put(packed(missing), "application/x-msgpack"),
            files=len(manifest.files),
            missing_count=len(missing),
        )

    @activity.defn
    @translated
    async def parse_files(self, request: Batch) -> None:
        """Parse a batch of files; its heartbeats say how many are done."""
        from activities.retrieval.manifest import unpacked_files

        files = unpacked_files(await self._artifacts.get(request.files))
        await self._indexer.parse(files[request.first : request.last], progress)

    @activity.defn
    @translated
    async def link_files(self, request: ArtifactRef) -> Linked:
        """Link the files of a manifest, keep the tree, and make it the one its repository is indexed at.

        What is not parsed yet is parsed first.
        """
        from activities.retrieval.manifest import unpacked

        manifest = unpacked(await self._artifacts.get(request))
        linked = await self._indexer.link(manifest)
        skipped = await self._indexer.settle(manifest)
        left_out = sum(skipped.values()) - sum(manifest.skipped.values())
        return Linked(
            commit=manifest.commit,
            tree=manifest.address.hex(),
            files=len(manifest.files) - left_out,
            linked=linked,
            skipped=skipped,
        )

    @activity.defn
    @translated
    async def embed_nodes(self, request: EmbedRequest) -> Embedded:
        """Make some of the vectors that are missing, the rest in further calls."""
        return await self._vectors.embed(bytes.fromhex(request.tree), request.model)
