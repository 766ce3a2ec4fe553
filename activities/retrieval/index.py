"""The index: one tree's code graph in memory, ready to be searched.

It is read from the store or, for benchmarks and where no database answers, built from the files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from activities.code.test_files import is_supporting_file, is_test_file
from activities.retrieval import hashed_vectors
from activities.retrieval.bm25 import Postings
from activities.retrieval.embeddings import LONGEST
from activities.retrieval.file_facts import FileFacts
from activities.retrieval.file_filter import filter_content, filter_path
from activities.retrieval.languages import SUFFIXES, parse_file
from activities.retrieval.linking import Linker
from activities.retrieval.tokens import Bags, count_bodies, count_titles
from hydranet.code_graph.model import Edge, EdgeKind, Node, NodeKind

_LARGE = np.float32(np.log1p(2000))

KINDS = tuple(EdgeKind)
_PARTS = (NodeKind.MODULE, NodeKind.COLUMN, NodeKind.CONSTRAINT)
"""The kinds of edges, in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges between nodes of an index, as columns: the nodes and the kind by their numbers."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    kind: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    line: NDArray[np.int32]

    def without(self, kind: EdgeKind) -> "Edges":
        """All edges but those of one kind."""
        kept = self.kind != KINDS.index(kind)
        return Edges(*(column[kept] for column in self.columns))

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """The columns, in their order."""
        return self.source, self.target, self.kind, self.confidence, self.line


class Index:
    """The nodes of a tree, their terms, their edges and, if there are any, their vectors.

    The nodes of a file stand together; `bodies` and `vectors` are in the order of `nodes`. A vector is a row of
    length 1, or of zeros where a node has none; `rarity` is what lexical ones were weighted with. Edges whose target
    is no node of the tree are left out.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        bodies: Bags,
        edges: Iterable[Edge],
        vectors: NDArray[np.float32] | None = None,
        rarity: NDArray[np.float32] | None = None,
    ) -> None:
        self.nodes = tuple(nodes)
        self.vectors = vectors
        self.rarity = rarity
        self.by_id = {node.id: number for number, node in enumerate(self.nodes)}
        self.paths = tuple(dict.fromkeys(node.path for node in self.nodes))
        self.of_path: dict[str, list[int]] = {path: [] for path in self.paths}
        self.named: dict[str, list[int]] = {}
        for number, node in enumerate(self.nodes):
            self.of_path[node.path].append(number)
            self.named.setdefault(node.name.rpartition(".")[2].partition("#")[0], []).append(number)
        file_number = {path: number for number, path in enumerate(self.paths)}
        self.file = np.array([file_number[node.path] for node in self.nodes], np.int32)
        self.firsts = np.flatnonzero(np.diff(self.file, prepend=-1))
        self._describe()
        names = count_titles(self.nodes)
        self.body = Postings(bodies)
        self.title = Postings(names)
        both = Bags.joined([bodies, names])
        self.files = Postings.grouped(both, np.concatenate([self.file, self.file]), len(self.paths))
        self.edges = self._columns(edges)

    def at(self, path: str, line: int) -> int | None:
        """Return the number of the innermost node around a line, else of its module; None without such a file."""
        around = [
            item for item in self.of_path.get(path, ()) if self.nodes[item].first <= line <= self.nodes[item].last
        ]
        # What is inside another stands behind it, also where both have the same lines.
        return max(around, key=lambda item: (self.nodes[item].first, -self.nodes[item].last, item), default=None)

    def _describe(self) -> None:
        kinds = np.array([list(NodeKind).index(node.kind) for node in self.nodes], np.uint8)
        self.is_class = (kinds == list(NodeKind).index(NodeKind.CLASS)).astype(np.float32)
        self.is_block = (kinds == list(NodeKind).index(NodeKind.BLOCK)).astype(np.float32)
        self.is_test = np.array([is_test_file(path) for path in self.paths], bool)
        self.aside = np.array([is_supporting_file(path) for path in self.paths], np.float32)
        # A column and a constraint are shown with their table.
        is_part = np.isin(kinds, [list(NodeKind).index(kind) for kind in _PARTS])
        self.answers = ~is_part & ~self.is_test[self.file]
        lines = np.array([node.last - node.first + 1 for node in self.nodes], np.float32)
        self.size = (np.log1p(lines) / _LARGE).astype(np.float32)
        self.file_size = np.maximum.reduceat(self.size, self.firsts) if len(lines) else self.size

    def _columns(self, edges: Iterable[Edge]) -> Edges:
        kinds = {kind: number for number, kind in enumerate(KINDS)}
        rows = [
            (source, target, kinds[edge.kind], edge.confidence, edge.line)
            for edge in edges
            if (target := self.by_id.get(edge.target)) is not None
            and (source := self.by_id.get(edge.source)) is not None
            and source != target
        ]
        columns = list(zip(*rows, strict=True)) or [(), (), (), (), ()]
        return Edges(
            np.array(columns[0], np.int32),
            np.array(columns[1], np.int32),
            np.array(columns[2], np.uint8),
            np.array(columns[3], np.float32),
            np.array(columns[4], np.int32),
        )


def build_index(files: Mapping[str, bytes]) -> Index:
    """Return the index of `files`, contents by path, with lexical vectors; what no parser takes is left out."""
    facts: dict[str, FileFacts] = {}
    nodes: list[Node] = []
    bags: list[Bags] = []
    rows: list[NDArray[np.float32]] = []
    for path in sorted(files):
        if (parsed := None if filter_content(files[path]) else parse_file(path, files[path])) is None:
            continue
        source = files[path].decode(errors="replace")
        own = parsed.nodes(path)
        facts[path] = parsed
        nodes += own
        bags.append(count_bodies(own, source))
        rows.append(hashed_vectors.count_features(read_texts(own, source)))
    linker = Linker(facts)
    counts = np.concatenate(rows) if rows else np.zeros((0, hashed_vectors.DIMENSIONS), np.float32)
    rarity = hashed_vectors.measure_rarity(counts)
    edges = (edge for path in facts for edge in linker.link(path))
    return Index(nodes, Bags.joined(bags), edges, hashed_vectors.weigh_vectors(counts, rarity), rarity)


def read_texts(nodes: Sequence[Node], source: str) -> list[str]:
    """Return the beginning of each node of a file, which is what vectors are made of."""
    lines = source.split("\n")
    return ["\n".join(lines[node.first - 1 : node.last])[:LONGEST] for node in nodes]


def list_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a plain folder that are to be indexed, by path."""
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(folder).parts
    }
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if filter_path(name, path.stat().st_size, files, SUFFIXES) is None
    }
