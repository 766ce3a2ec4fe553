"""The code graph in PostgreSQL, content-addressed: nothing is parsed, linked or kept twice.

Whatever is added is added whole or not at all, and adding it again changes nothing, so that indexers may run
at the same time and be killed at any time. What was said to be here, or loaded, counts as used: `prune` keeps it for a
day at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pgvector import Vector
from pgvector.psycopg import register_vector_async

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.sql import load_statement
from activities.retrieval.tokens import Bags
from hydranet.code_graph.model import Edge, EdgeKind, Node, NodeKind, Resolution, format_node_id
from hydranet.errors import TransientError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_NODE_TYPES = ("bytea", "int4", "text", "text", "int4", "int4", "text", "text", "bytea")
_EDGE_TYPES = ("bytea", "int4", "text", "text", "text", "int4", "text", "float8")
_FILE_TYPES = ("bytea", "text", "bytea", "bytea")

_FACTS = msgspec.msgpack.Decoder(FileFacts)


@dataclass(frozen=True, slots=True)
class Blob:
    """What a parser made of the content `oid`: why it is left out, or its facts and the terms of its nodes."""

    address: bytes
    oid: bytes
    skipped: str = ""
    facts: FileFacts | None = None
    terms: bytes | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree, with the addresses of its blob and of its links."""

    path: str
    blob: bytes
    links: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What a repository was last indexed at, and by which version of the parser; `skipped` counts files by reason.

    `tree` is the tree's address.
    """

    commit: str
    tree: bytes
    parser: bytes
    skipped: Mapping[str, int]
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class SourceLines:
    """Where the node with the content `digest` stands in the content `oid`; `first` and `last` are lines."""

    digest: bytes
    oid: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph of one tree, and the terms of `nodes` in their order."""

    nodes: list[Node]
    edges: list[Edge]
    bodies: Bags


class GraphStore:
    """The graphs of all repositories in the database behind `pool`."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def unknown_sources(self, oids: Iterable[str]) -> list[str]:
        """Those of `oids` whose content is not here, in their order."""
        wanted = list(dict.fromkeys(oids))
        known = {oid.hex() for oid in await self._known("sources", [bytes.fromhex(oid) for oid in wanted])}
        return [oid for oid in wanted if oid not in known]

    async def add_sources(self, sources: Mapping[str, bytes]) -> None:
        """Keep contents by git's object id."""
        oids = [bytes.fromhex(oid) for oid in sources]
        async with self._pool.connection() as connection:
            await connection.execute(load_statement("add_sources"), (oids, list(sources.values())), binary=True)

    async def sources(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of `oids`, as far as they are here."""
        rows = await self._rows("sources", [bytes.fromhex(oid) for oid in oids])
        return {oid.hex(): source for oid, source in rows}

    async def known_blobs(self, blobs: Iterable[bytes]) -> set[bytes]:
        """Those of the addresses `blobs` that are here."""
        return await self._known("blobs", list(blobs))

    async def add_blobs(self, blobs: Sequence[Blob]) -> None:
        """Keep what parsers made of some contents, and its nodes."""
        columns = [
            [blob.address for blob in blobs],
            [blob.oid for blob in blobs],
            [blob.skipped for blob in blobs],
            [None if blob.facts is None else msgspec.msgpack.encode(blob.facts) for blob in blobs],
            [blob.terms for blob in blobs],
        ]
        async with self._pool.connection() as connection, connection.transaction():
            claimed = await _claim(connection, "claim_blobs", columns)
            rows = (row for blob in blobs if blob.address in claimed for row in _node_rows(blob))
            await _copy(connection, "copy_nodes", _NODE_TYPES, rows)

    async def add_links(self, links: Mapping[bytes, Sequence[Edge]]) -> None:
        """Keep the edges that leave some files, by their addresses."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(load_statement("touch_links"), [list(links)])
            claimed = await _claim(connection, "claim_links", [list(links)])
            rows = (row for address in links if address in claimed for row in _edge_rows(address, links[address]))
            await _copy(connection, "copy_edges", _EDGE_TYPES, rows)

    async def add_tree(self, tree: bytes, parser: bytes, files: Iterable[File]) -> None:
        """Keep a tree whose blobs and links are here."""
        async with self._pool.connection() as connection, connection.transaction():
            if await _claim(connection, "claim_tree", [tree, parser]):
                rows = ((tree, file.path, file.blob, file.links) for file in files)
                await _copy(connection, "copy_files", _FILE_TYPES, rows)

    async def has_tree(self, tree: bytes) -> bool:
        """Return whether the tree with this address is here."""
        return bool(await self._known("trees", [tree]))

    async def without_vector(self, tree: bytes, model: str) -> list[SourceLines]:
        """Return the nodes of a tree that `model` has made no vector of, one of each content, file by file."""
        return [SourceLines(*row) for row in await self._rows("without_vector", model, tree)]

    async def texts(self, places: Sequence[SourceLines]) -> dict[bytes, str]:
        """Return the lines of nodes, by their digests and in the order of `places`."""
        sources = await self.sources({place.oid.hex() for place in places})
        lines = {oid: source.decode(errors="replace").split("\n") for oid, source in sources.items()}
        return {item.digest: "\n".join(lines[item.oid.hex()][item.first - 1 : item.last]) for item in places}

    async def add_vectors(self, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep the vectors that `model` made, by the digests of their nodes."""
        async with self._pool.connection() as connection:
            await register_vector_async(connection)
            async with connection.transaction():
                await connection.execute(load_statement("stage_vectors"))
                await _copy(connection, "copy_vectors", ("bytea", "vector"), vectors.items())
                await connection.execute(load_statement("add_vectors"), (model,))

    async def vectors(self, tree: bytes, model: str, nodes: Sequence[Node]) -> NDArray[np.float32] | None:
        """Return a row for each of a tree's `nodes`, zeros where `model` has made none; None when it made none."""
        async with self._pool.connection() as connection:
            await register_vector_async(connection)
            cursor = connection.cursor(binary=True)
            vectors: dict[bytes, Vector] = dict(
                await (await cursor.execute(load_statement("vectors"), (model, tree))).fetchall()
            )
        if not vectors:
            return None
        rows = {digest: vector.to_numpy() for digest, vector in vectors.items()}
        nothing = np.zeros_like(next(iter(rows.values())))
        return np.array([rows.get(bytes.fromhex(node.digest), nothing) for node in nodes], np.float32)

    async def set_head(self, repository: str, commit: str, tree: bytes, skipped: Mapping[str, int]) -> None:
        """Say at which commit and tree a repository is indexed."""
        async with self._pool.connection() as connection:
            values = (repository, commit, tree, msgspec.json.encode(skipped).decode())
            await connection.execute(load_statement("set_head"), values)

    async def head(self, repository: str) -> Head | None:
        """Return what the repository was last indexed at, None when it never was."""
        rows = await self._rows("head", repository)
        return Head(*rows[0]) if rows else None

    async def files(self, tree: bytes) -> list[File]:
        """Return the files of a tree, by path."""
        return [File(*row) for row in await self._rows("files", tree)]

    async def facts(self, blobs: Iterable[bytes]) -> dict[bytes, FileFacts]:
        """Return the facts of those of `blobs` that are here and not left out."""
        return {blob: _FACTS.decode(facts) for blob, facts in await self._rows("facts", list(blobs))}

    async def skipped(self, blobs: Iterable[bytes]) -> dict[bytes, str]:
        """Those of `blobs` that are left out, with the reason."""
        return dict(await self._rows("skipped_blobs", list(blobs)))

    async def nodes(self, tree: bytes) -> list[Node]:
        """Return the nodes of a tree, by path and in the order of each file."""
        kinds = dict(NodeKind.__members__.items())
        rows = await self._rows("nodes", tree)
        return [
            Node(path, name, kinds[kind.upper()], first, last, signature, docstring, digest.hex())
            for path, name, kind, first, last, signature, docstring, digest in rows
        ]

    async def edges(self, tree: bytes) -> list[Edge]:
        """Return the edges of a tree, in no order."""
        kinds = {str(kind): kind for kind in EdgeKind}
        resolutions = {str(item): item for item in Resolution}
        rows = await self._rows("edges", tree)
        return [
            Edge(kinds[kind], format_node_id(path, source), target, line, resolutions[resolution], confidence)
            for path, kind, source, target, line, resolution, confidence in rows
        ]

    async def node_count(self, tree: bytes) -> int:
        """Return how many nodes a tree has."""
        return int((await self._rows("node_count", tree))[0][0])

    async def edge_counts(self, tree: bytes) -> dict[tuple[str, str], int]:
        """Return how many edges a tree has, by kind and resolution."""
        return {(kind, resolution): count for kind, resolution, count in await self._rows("edge_counts", tree)}

    async def vector_counts(self, tree: bytes) -> dict[str, int]:
        """Return how many vectors of a tree's nodes there are, by model."""
        return dict(await self._rows("vector_counts", tree))

    async def size(self) -> int:
        """Return the bytes that the graphs of all repositories take, indexes included."""
        return int((await self._rows("bytes"))[0][0])

    async def tree_count(self) -> int:
        """Return how many trees of all repositories there are."""
        return int((await self._rows("tree_count"))[0][0])

    async def prune(self) -> None:
        """Remove the trees that no repository is at and nobody has used for a day, and what no tree has any more."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(load_statement("prune"))

    async def load(self, tree: bytes) -> Graph:
        """All of a tree; TransientError when it is not here any more."""
        if not await self.has_tree(tree):
            raise TransientError("The tree that was to be read is not in the index any more: try again.")
        nodes = await self.nodes(tree)
        parts = [Bags.from_bytes(terms) for (terms,) in await self._rows("terms", tree)]
        return Graph(nodes, await self.edges(tree), Bags.joined(parts))

    async def _known(self, table: str, keys: list[bytes]) -> set[bytes]:
        """Those of `keys` that are here, and will be for a day."""
        if not keys:
            return set()
        async with self._pool.connection() as connection:
            await connection.execute(load_statement(f"touch_{table}"), [keys])
        return {key for (key,) in await self._rows(f"known_{table}", keys)}

    async def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            return await (await cursor.execute(load_statement(name), values)).fetchall()


async def _claim(connection: AsyncConnection[Any], name: str, columns: Sequence[Any]) -> set[bytes]:
    cursor = await connection.execute(load_statement(name), columns, binary=True)
    return {key for (key,) in await cursor.fetchall()}


async def _copy(
    connection: AsyncConnection[Any], name: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    async with connection.cursor() as cursor, cursor.copy(load_statement(name)) as copy:
        copy.set_types(types)
        for row in rows:
            await copy.write_row(row)


def _node_rows(blob: Blob) -> Iterable[tuple[Any, ...]]:
    nodes = blob.facts.nodes("") if blob.facts is not None else []
    for place, node in enumerate(nodes):
        texts = node.signature, node.docstring
        yield blob.address, place, node.name, str(node.kind), node.first, node.last, *texts, bytes.fromhex(node.digest)


def _edge_rows(address: bytes, edges: Sequence[Edge]) -> Iterable[tuple[Any, ...]]:
    for place, edge in enumerate(edges):
        source = edge.source.partition("::")[2]
        matches = str(edge.resolution), edge.confidence
        yield address, place, str(edge.kind), source, edge.target, edge.line, *matches
