"""Activities of the retrieval queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from activities.heartbeat import report_progress
from hydranet.contracts import (
    ArtifactRef,
    EmbedRequest,
    EmbedResult,
    FileSurvey,
    IndexRequest,
    Judgement,
    JudgeRequest,
    LinkResult,
    ParseRequest,
    PlaceRequest,
    RememberFixRequest,
    Retrieval,
    RetrieveRequest,
    SuggestedPlace,
    Target,
    TargetRequest,
    WriteTestsRequest,
    WrittenTests,
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
    @translate_errors
    async def retrieve(self, request: RetrieveRequest) -> Retrieval:
        """Return the context of the bug: the failing test, then whole functions, the most suspicious first.

        The tree is indexed as far as it is not; where the graph cannot be kept it is made in memory.
        """
        from activities.artifacts.store import put_model
        from activities.retrieval.context import gather_context

        context = await gather_context(request, self._artifacts, self._objects, self._searches)
        return Retrieval(
            context=await put_model(self._artifacts, context),
            shown=tuple(f"{place.file}:{place.symbol}"[-200:] for place in context.places[:8]),
        )

    @activity.defn
    @translate_errors
    async def write_tests(self, request: WriteTestsRequest) -> WrittenTests:
        """Write tests of what is expected; fatal for a name that is not in the repository, or in several places."""
        from activities.retrieval.written_tests import write_expected_tests

        return await write_expected_tests(request, self._artifacts, self._objects, self._searches)

    @activity.defn
    @translate_errors
    async def judge_drafts(self, request: JudgeRequest) -> Judgement:
        """Choose the drafts that fail for the reason that the issue gives."""
        from activities.retrieval.reproduction import judge_drafts

        return await judge_drafts(request, self._artifacts)

    @activity.defn
    @translate_errors
    async def choose_target(self, request: TargetRequest) -> Target:
        """Choose the failing tests to mend: those that are named, or those that the issue speaks of.

        Fatal when a pattern names none of them.
        """
        from activities.retrieval.target import choose_target

        return await choose_target(request, self._artifacts, self._objects, self._searches)

    @activity.defn
    @translate_errors
    async def find_place(self, request: PlaceRequest) -> SuggestedPlace:
        """Find the place of a person's suggestion; fatal for one that is not there."""
        from activities.retrieval.suggested_place import find_place

        return await find_place(request, self._objects)

    @activity.defn
    @translate_errors
    async def remember_fix(self, request: RememberFixRequest) -> None:
        """Remember which functions a verified fix has changed, so that a similar issue begins there."""
        from activities.artifacts.store import get_text
        from hydranet.contracts import Checkpoint

        issue = await get_text(self._artifacts, request.issue)
        base = Checkpoint(commit=request.snapshot.commit)
        folder = await self._objects.fetch(request.snapshot, base)
        await self._searches.remember(folder, base.commit, request.repository_path, issue, request.places)


class IndexActivities:
    """Puts the code graph of a repository into the store; each step does only what was not done before.

    `check_registered` raises FatalError for the path of a repository that no run may read on this host.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        indexer: Indexer,
        vectors: Vectors,
        check_registered: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._check_registered = check_registered
        self._artifacts = artifacts
        self._indexer = indexer
        self._vectors = vectors

    @activity.defn
    @translate_errors
    async def survey_repository(self, request: IndexRequest) -> FileSurvey:
        """List HEAD on the host that has the repository, and send the contents that are new to the workers."""
        from activities.git.user_repository import UserRepository
        from activities.retrieval.manifest import pack_manifest, survey_tree

        self._check_registered(request.repository_path)
        repository = await asyncio.to_thread(UserRepository.find, Path(request.repository_path))
        with repository.open() as folder:
            manifest = await asyncio.to_thread(survey_tree, folder, "HEAD", request.repository_path)
            missing = await self._indexer.missing(manifest)
            await self._indexer.send(folder, missing)
        return FileSurvey(
            manifest=await self._artifacts.put(pack_manifest(manifest), "application/x-msgpack"),
            missing=await self._artifacts.put(pack_manifest(missing), "application/x-msgpack"),
            files=len(manifest.files),
            missing_count=len(missing),
        )

    @activity.defn
    @translate_errors
    async def parse_files(self, request: ParseRequest) -> None:
        """Parse a batch of files; its heartbeats say how many are done."""
        from activities.retrieval.manifest import unpack_files

        files = unpack_files(await self._artifacts.get(request.files))
        await self._indexer.parse(files[request.first : request.last], report_progress)

    @activity.defn
    @translate_errors
    async def link_files(self, request: ArtifactRef) -> LinkResult:
        """Link the files of a manifest, keep the tree, and make it the one its repository is indexed at.

        What is not parsed yet is parsed first.
        """
        from activities.retrieval.manifest import unpack_manifest

        manifest = unpack_manifest(await self._artifacts.get(request))
        linked = await self._indexer.link(manifest)
        skipped = await self._indexer.settle(manifest)
        left_out = sum(skipped.values()) - sum(manifest.skipped.values())
        return LinkResult(
            commit=manifest.commit,
            tree=manifest.address.hex(),
            files=len(manifest.files) - left_out,
            linked=linked,
            skipped=skipped,
        )

    @activity.defn
    @translate_errors
    async def embed_nodes(self, request: EmbedRequest) -> EmbedResult:
        """Make some of the vectors that are missing, the rest in further calls."""
        return await self._vectors.embed(bytes.fromhex(request.tree), request.model)
