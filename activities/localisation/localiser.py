"""The localiser: from the test results of a run to the ranked suspects of its failure."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from cachetools import LRUCache

from activities.artifacts.store import ArtifactStore, get_model, get_text
from activities.git.objects import GitObjects
from activities.localisation.evidence import Evidence, gather_evidence, list_called_names, list_imported_files
from activities.localisation.ranking import Suspect, rank_files, rank_suspects
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from hydranet.contracts import Place, RetrievedContext, Spectrum, Work
from hydranet.convergence.error_signature import ErrorClass

# Files read from the checkpoint: the suspicious ones and their imports. Each takes a git call and a parse.
_MAX_FILES = 40
ReadText = Callable[[str], Awaitable[str | None]]
"""Reads the file at a path, None where it is no text."""

# Localisations cached for the next steps of the runs under way on this worker.
_CACHED = 16


@dataclass(frozen=True)
class Localisation:
    """The result of fault localisation: the evidence, the suspects in order and the words for repairs.

    `others` are the places of retrieval in files that hold no suspects, such as those of other languages.
    """

    evidence: Evidence
    suspects: list[Suspect]
    others: list[Place]
    error_class: ErrorClass
    vocabulary: Vocabulary


class Localiser:
    """Fault localisation with a cache for the steps of the same run."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._cache: LRUCache[tuple[str, ...], Localisation] = LRUCache(_CACHED)

    async def localise(self, work: Work) -> Localisation:
        """Localise the failure at the checkpoint of `work`."""
        key = make_cache_key(work)
        if key not in self._cache:
            self._cache[key] = await _localise(self._artifacts, self._objects, work)
        return self._cache[key]


def make_cache_key(work: Work) -> tuple[str, ...]:
    """Return what a localisation depends on."""
    spectrum = work.spectrum.sha256 if work.spectrum else ""
    return (work.snapshot.commit, work.checkpoint.commit, work.context.sha256, spectrum)


async def _localise(artifacts: ArtifactStore, objects: GitObjects, work: Work) -> Localisation:
    context = await get_model(artifacts, work.context, RetrievedContext)
    issue = await get_text(artifacts, context.issue)
    spectrum = await get_model(artifacts, work.spectrum, Spectrum) if work.spectrum else None
    paths = await objects.files(work.snapshot, work.checkpoint)

    async def read(path: str) -> str | None:
        return await objects.read(work.snapshot, work.checkpoint, path)

    return await localise_failure(issue, context, spectrum, paths, read)


async def localise_failure(
    issue: str,
    context: RetrievedContext,
    spectrum: Spectrum | None,
    paths: list[str],
    read: ReadText,
) -> Localisation:
    """Localise a failure in the files at `paths`, which `read` reads."""
    evidence, sources = await read_failure(issue, context, spectrum, paths, read)
    suspects, others = await asyncio.to_thread(rank_suspects, sources, evidence)
    trees = [source.tree for source in sources]
    vocabulary = await asyncio.to_thread(Vocabulary.from_trees, trees, evidence.quoted_names)
    error_class = context.error.error_class if context.error else ErrorClass.UNKNOWN
    return Localisation(evidence, suspects, others, error_class, vocabulary)


async def read_failure(
    issue: str,
    context: RetrievedContext,
    spectrum: Spectrum | None,
    paths: list[str],
    read: ReadText,
) -> tuple[Evidence, list[Source]]:
    """Return the evidence of a failure, and the sources that it leads to."""
    evidence = await asyncio.to_thread(gather_evidence, issue, spectrum, context, paths)
    sources = _Sources(paths, read)
    if not evidence.is_complete:
        evidence = await _add_calls_of_tests(sources, evidence)
    await sources.read(rank_files(evidence, paths))
    await sources.read_imports()
    return evidence, sources.list_read()


async def _add_calls_of_tests(sources: "_Sources", evidence: Evidence) -> Evidence:
    """Add the calls in the failing tests, which stand in for the coverage that a test did not leave."""
    tests = await sources.read(evidence.test_files)
    await sources.read_imports()
    names = frozenset(name for test in tests for name in list_called_names(test.tree))
    return replace(evidence, called_names=evidence.called_names | names)


class _Sources:
    """The Python files that were read so far."""

    def __init__(self, paths: list[str], read: ReadText) -> None:
        self._read_text = read
        self._known = frozenset(path for path in paths if path.endswith(".py"))
        self._read: dict[str, Source | None] = {}

    def list_read(self) -> list[Source]:
        """Return the sources read so far, sorted by path."""
        return [source for _, source in sorted(self._read.items()) if source is not None]

    async def read(self, paths: Iterable[str]) -> list[Source]:
        """Return the sources at `paths`, without those beyond the limit or not valid Python."""
        for path in paths:
            if path in self._known and path not in self._read and len(self._read) < _MAX_FILES:
                self._read[path] = await asyncio.to_thread(Source.parse, path, await self._read_text(path))
        return [source for path in paths if (source := self._read.get(path)) is not None]

    async def read_imports(self) -> None:
        """Read the files imported by those read so far."""
        for source in self.list_read():
            await self.read(list_imported_files(source.tree, source.path, self._known))
