"""Indexing: from the files of a commit to its graph in the store, doing only what was not done before."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from activities.git.trees import read_contents
from activities.retrieval.content_keys import links_address, parser_version
from activities.retrieval.file_facts import FileFacts
from activities.retrieval.file_filter import Reason, filter_content
from activities.retrieval.languages import parse_file
from activities.retrieval.linking import Linker, find_affected
from activities.retrieval.manifest import Manifest, Wanted, survey_tree
from activities.retrieval.store import Blob, File
from activities.retrieval.tokens import count_bodies
from hydranet.code_graph.model import Edge
from hydranet.errors import FatalError
from hydranet.text.source_encoding import decode_source

if TYPE_CHECKING:
    from activities.retrieval.store import GraphStore

T = TypeVar("T")

_PARSED_AT_ONCE = 64
_LINKED_AT_ONCE = 256
_SENT_AT_ONCE = 256

# The facts of so many files stay in memory: a large repository's, a few hundred MB.
_REMEMBERED = 10_000


class Indexer:
    """Makes graphs in a store, and remembers the facts it saw last and the tree it linked last of each repository."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._facts: dict[bytes, FileFacts] = {}
        self._trees: dict[str, bytes] = {}

    async def ensure(self, folder: Path, commit: str, repository: str) -> bytes:
        """Return the address of the graph of a commit in the Git repository `folder`, made now if it is not there."""
        manifest = await asyncio.to_thread(survey_tree, folder, commit, repository)
        await self.send(folder, await self.missing(manifest))
        await self.link(manifest)
        return manifest.address

    async def missing(self, manifest: Manifest) -> list[Wanted]:
        """Return the files of a manifest that are not parsed, one of each content."""
        files = {file.blob: file for file in manifest.files}
        known = await self._store.known_blobs(files)
        return [file for blob, file in files.items() if blob not in known]

    async def send(self, folder: Path, files: Sequence[Wanted]) -> None:
        """Bring the contents of files from a Git repository to where every worker finds them."""
        unknown = await self._store.unknown_sources(file.oid for file in files)
        for oids in _chunks(unknown, _SENT_AT_ONCE):
            await self._store.add_sources(await asyncio.to_thread(_read, folder, oids))

    async def parse(self, files: Sequence[Wanted], report: Callable[[int], None] = lambda _: None) -> None:
        """Parse files whose contents were sent; those that are there already cost nothing.

        `told` hears how many are done. FatalError when they were sent so long ago that they have been pruned.
        """
        known = await self._store.known_blobs(file.blob for file in files)
        left = [file for file in files if file.blob not in known]
        done = len(files) - len(left)
        async with Behind() as behind:
            for chunk in _chunks(left, _PARSED_AT_ONCE):
                sources = await self._store.sources({file.oid for file in chunk})
                if any(file.oid not in sources for file in chunk):
                    raise FatalError("What was read more than a day ago has been pruned: run `hydra index` again.")
                blobs = await asyncio.to_thread(_parsed, chunk, sources)
                self._remember({blob.address: blob.facts for blob in blobs if blob.facts is not None})
                await behind.do(self._store.add_blobs(blobs))
                done += len(chunk)
                report(done)

    async def link(self, manifest: Manifest) -> int:
        """Link the files of a manifest and keep the tree; how many files were linked anew.

        What is not parsed yet is parsed first, with the errors of that.
        """
        if await self._store.has_tree(manifest.address):
            return 0
        await self.parse(await self.missing(manifest))
        skipped = await self._store.skipped(file.blob for file in manifest.files)
        files = {file.path: file.blob for file in manifest.files if file.blob not in skipped}
        facts = await self._known_facts(files)
        links = await self._links_before(manifest.repository, facts)
        paths = [path for path in files if path not in links]
        linker = await asyncio.to_thread(Linker, facts)
        async with Behind() as behind:
            for chunk in _chunks(paths, _LINKED_AT_ONCE):
                edges = await asyncio.to_thread(_linked, linker, chunk)
                await behind.do(self._store.add_links({address: matches for _, address, matches in edges}))
                links.update({path: address for path, address, _ in edges})
        kept = (File(path, blob, links[path]) for path, blob in files.items())
        await self._store.add_tree(manifest.address, parser_version(), kept)
        self._trees[manifest.repository] = manifest.address
        return len(paths)

    async def settle(self, manifest: Manifest) -> dict[str, int]:
        """Say that the repository is indexed at a manifest's tree, which is there; the files left out, by reason.

        What nothing uses any more is pruned.
        """
        skipped = await self._store.skipped({file.blob for file in manifest.files})
        counts = Counter(manifest.skipped)
        counts.update(reason for file in manifest.files if (reason := skipped.get(file.blob)))
        await self._store.set_head(manifest.repository, manifest.commit, manifest.address, counts)
        await self._store.prune()
        return dict(counts)

    async def _links_before(self, repository: str, facts: Mapping[str, FileFacts]) -> dict[str, bytes]:
        tree = self._trees.get(repository) or await self._tree_at_head(repository)
        if tree is None or not await self._store.has_tree(tree):
            return {}
        files = await self._store.files(tree)
        before = await self._known_facts({file.path: file.blob for file in files})
        changed = await asyncio.to_thread(find_affected, before, facts)
        return {file.path: file.links for file in files if file.path in facts and file.path not in changed}

    async def _tree_at_head(self, repository: str) -> bytes | None:
        head = await self._store.head(repository)
        return head.tree if head is not None and head.parser == parser_version() else None

    async def _known_facts(self, blobs: Mapping[str, bytes]) -> dict[str, FileFacts]:
        fetched = await self._store.facts({blob for blob in blobs.values() if blob not in self._facts})
        matches = {path: fetched.get(blob) or self._facts[blob] for path, blob in blobs.items()}
        self._remember(fetched)
        return matches

    def _remember(self, facts: Mapping[bytes, FileFacts]) -> None:
        self._facts.update(facts)
        for blob in list(islice(self._facts, max(0, len(self._facts) - _REMEMBERED))):
            del self._facts[blob]


class Behind:
    """Lets one thing be done behind the back of the block; the next waits for it, and so does the block's end."""

    def __init__(self) -> None:
        self._doing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._doing.set_result(None)

    async def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin `work` once what was begun before is done; raises what that raised."""
        try:
            await self._doing
        except BaseException:
            work.close()
            raise
        self._doing = asyncio.ensure_future(work)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._doing
            return
        self._doing.cancel()
        await asyncio.gather(self._doing, return_exceptions=True)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cyclic garbage meanwhile: there is little, and looking through all that is made costs a fifth."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _parsed(files: Sequence[Wanted], sources: Mapping[str, bytes]) -> list[Blob]:
    with _uncollected():
        return [_blob(file, sources[file.oid]) for file in files]


def _blob(file: Wanted, source: bytes) -> Blob:
    oid = bytes.fromhex(file.oid)
    if (reason := filter_content(source)) is not None:
        return Blob(file.blob, oid, skipped=reason)
    text = decode_source(file.path, source)
    if text is None and file.path.endswith((".py", ".pyi")):
        # Python refuses it as well.
        return Blob(file.blob, oid, skipped=Reason.ENCODING)
    facts = parse_file(file.path, source)
    assert facts is not None
    terms = count_bodies(facts.nodes(file.path), source.decode(errors="replace") if text is None else text)
    return Blob(file.blob, oid, facts=facts, terms=terms.to_bytes())


def _linked(linker: Linker, paths: Sequence[str]) -> list[tuple[str, bytes, list[Edge]]]:
    """Each path with the address of its links, and these."""
    with _uncollected():
        matches = ((path, linker.link(path)) for path in paths)
        return [(path, links_address(edges), edges) for path, edges in matches]


def _read(folder: Path, oids: Sequence[str]) -> dict[str, bytes]:
    return dict(read_contents(folder, oids))


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
