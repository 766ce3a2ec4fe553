"""Findings: the suspects of a run's failure, from its evidence and the code it points to."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cachetools import LRUCache

from activities.artifacts.store import ArtifactStore, get_model
from activities.git.objects import GitObjects
from activities.localisation.evidence import Evidence, gather_evidence, list_called_names, list_imported_files
from activities.localisation.localisation import Suspect, rank_files, rank_suspects
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from hydranet.contracts import RetrievedContext, Spectrum, Work
from hydranet.convergence.error_signature import ErrorClass

# Files read at most: the suspicious ones and what they import.
_READ = 40
# Findings kept for the next steps of the runs that are under way.
_KEPT = 16


@dataclass(frozen=True)
class Localisation:
    """What is known about the failure, and the regions in the order of suspicion."""

    evidence: Evidence
    suspects: list[Suspect]
    error_class: ErrorClass
    vocabulary: Vocabulary


class Localiser:
    """Finds what is wrong, and remembers it for the steps that ask the same."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._kept: LRUCache[tuple[str, ...], Localisation] = LRUCache(_KEPT)

    async def find(self, work: Work) -> Localisation:
        """Localise the failure at the checkpoint of `work`."""
        key = cache_key(work)
        if key not in self._kept:
            self._kept[key] = await _find(self._artifacts, self._objects, work)
        return self._kept[key]


def cache_key(work: Work) -> tuple[str, ...]:
    """What findings depend on."""
    spectrum = work.spectrum.sha256 if work.spectrum else ""
    return (work.snapshot.commit, work.checkpoint.commit, work.context.sha256, spectrum)


async def _find(artifacts: ArtifactStore, objects: GitObjects, work: Work) -> Localisation:
    context = await get_model(artifacts, work.context, RetrievedContext)
    spectrum = await get_model(artifacts, work.spectrum, Spectrum) if work.spectrum else None
    paths = await objects.files(work.snapshot, work.checkpoint)
    evidence = await asyncio.to_thread(gather_evidence, spectrum, context, paths)
    code = _Code(objects, work, paths)
    if not evidence.whole:
        evidence = await _asked_of_tests(code, evidence)
    await code.read(rank_files(evidence, paths))
    await code.follow_imports()
    ranked = await asyncio.to_thread(rank_suspects, code.sources(), evidence)
    trees = [source.tree for source in code.sources()]
    vocabulary = await asyncio.to_thread(Vocabulary.of, trees, evidence.quoted)
    return Localisation(
        evidence,
        ranked,
        context.error.error_class if context.error else ErrorClass.UNKNOWN,
        vocabulary,
    )


async def _asked_of_tests(code: "_Code", evidence: Evidence) -> Evidence:
    """Where a test left no coverage, what it imports and calls says what it runs."""
    tests = await code.read(evidence.tests)
    await code.follow_imports()
    names = frozenset(name for test in tests for name in list_called_names(test.tree))
    return replace(evidence, asserted=evidence.asserted | names)


class _Code:
    """The files of a checkpoint that were read and are Python."""

    def __init__(self, objects: GitObjects, work: Work, paths: list[str]) -> None:
        self._objects = objects
        self._work = work
        self._known = frozenset(path for path in paths if path.endswith(".py"))
        self._read: dict[str, Source | None] = {}

    def sources(self) -> list[Source]:
        """What was read, in the order of the paths."""
        return [source for _, source in sorted(self._read.items()) if source is not None]

    async def read(self, paths: Iterable[str]) -> list[Source]:
        """The sources at `paths`, without those that are no Python or too many."""
        for path in paths:
            if path in self._known and path not in self._read and len(self._read) < _READ:
                text = await self._objects.read(self._work.snapshot, self._work.checkpoint, path)
                self._read[path] = await asyncio.to_thread(Source.of, path, text)
        return [source for path in paths if (source := self._read.get(path)) is not None]

    async def follow_imports(self) -> None:
        """Read also what the files read so far import."""
        for source in self.sources():
            await self.read(list_imported_files(source.tree, source.path, self._known))
