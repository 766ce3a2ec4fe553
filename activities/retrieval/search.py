"""Search: the functions and files of an index that a query is about, the most suspicious first, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from activities.retrieval import features, hashed_vectors
from activities.retrieval.features import Lexical, Pointed, Scores, Weights, load_weights
from activities.retrieval.index import Edges, Index
from activities.retrieval.propagation import Propagation, PropagationStep
from activities.retrieval.query import Named, Query
from hydranet.bounded_models import NAME_CHARACTERS, PATH_CHARACTERS
from hydranet.code_graph.model import EdgeKind, Node, NodeKind
from hydranet.contracts.retrieval import Place, SearchMode

Fixed = Mapping[tuple[str, str], float]

# What a fix of the very same issue counts, beside the coefficients of the rankers.
_FIXED = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Hit:
    """A node that was found, its score, and the path that led to it."""

    node: Node
    score: float
    why: str

    @property
    def place(self) -> Place | None:
        """The node as a prompt can show it; None when its names are too long for a contract."""
        node = self.node
        if len(node.path) > PATH_CHARACTERS or len(node.name) > NAME_CHARACTERS:
            return None
        symbol = "" if node.kind is NodeKind.BLOCK else node.name
        return Place(file=node.path, symbol=symbol, first_line=node.first, last_line=node.last, why=self.why)


@dataclass(frozen=True, slots=True)
class FileHit:
    """A file that was found, its score, and the path that led to the best of its nodes."""

    path: str
    score: float
    why: str


@dataclass(frozen=True)
class Found:
    """Scores of every node and every file of an index, those that can be no answer below all others.

    `tests` are the functions of the failing tests.
    """

    index: Index
    nodes: Scores
    files: Scores
    explain: Callable[[int], str]
    tests: tuple[Node, ...] = ()

    def functions(self, count: int) -> list[Hit]:
        """Return the best functions, methods, classes and blocks."""
        best = _best(self.nodes, count)
        return [Hit(self.index.nodes[node], round(float(self.nodes[node]), 4), self.explain(node)) for node in best]

    def ranked(self, count: int) -> list[FileHit]:
        """Return the best files."""
        return [
            FileHit(self.index.paths[item], round(float(self.files[item]), 4), self.explain(self._face(item)))
            for item in _best(self.files, count)
        ]

    def _face(self, file: int) -> int:
        first = int(self.index.firsts[file])
        return first + int(np.argmax(self.nodes[first : first + len(self.index.of_path[self.index.paths[file]])]))


class Search:
    """Searches one index; made once for an index, then quick. `edges` are to be gone along instead of the index's."""

    def __init__(self, index: Index, weights: Weights | None = None, edges: Edges | None = None) -> None:
        self.index = index
        self.weights = weights or load_weights()
        self._spread = Propagation(index.edges if edges is None else edges, len(index.nodes), self.weights)

    def find(
        self,
        query: Query,
        mode: SearchMode = SearchMode.GRAPH,
        vector: Scores | None = None,
        fixed: Fixed = MappingProxyType({}),
    ) -> Found:
        """Return what the query is about; a file of tests is no answer unless it is asked for.

        `vector` is the query's, by the model that made the index's; lexical ones need none. `fixed` says, 0 to 1,
        how much earlier fixes speak for a function, by path and name.
        """
        if mode is SearchMode.BM25:
            vector = None
        elif vector is None and self.index.rarity is not None:
            vector = hashed_vectors.weigh_vectors(hashed_vectors.count_features([query.text]), self.index.rarity)[0]
        words = features.search_words(query, self.index, vector)
        if mode is SearchMode.GRAPH:
            return self._suspected(query, words, fixed)
        nodes, files = (np.where(scores > 0, scores, -np.inf) for scores in _flat(self.index, words, mode))
        return self._found(nodes, files, [], lambda _: "its words")

    def _suspected(self, query: Query, words: Lexical, fixed: Fixed) -> Found:
        index, places = self.index, features.find_pointed(query, self.index)
        seeds = features.build_start(
            len(index.nodes), features.choose_sources(index, words, places), self.weights.seeds
        )
        waves = self._spread.run(seeds)
        arrived = np.stack(waves[1:]).sum(axis=0, dtype=np.float32)
        of_files = features.describe_files(index, words, places) | features.describe_spread_of_files(
            arrived, index.firsts
        )
        again = features.score_fixed_before(index, fixed)
        files = features.apply_weights(of_files, self.weights.files) + _FIXED * features.take_highest(index, again)
        of_nodes = features.describe_nodes(index, words, places) | features.describe_spread_of_nodes(arrived)
        of_nodes["home"] = features.score_home(files, ~index.is_test)[index.file]
        nodes = (
            features.apply_weights(of_nodes, self.weights.functions)
            + _FIXED * again
            + features.mark_first(index, places.asked)
        )
        matches = self._found(nodes, files, places.asked, lambda node: self._why(node, places, waves))
        tests = tuple(index.nodes[item.node] for item in places.tested)
        return replace(matches, tests=tests)

    def _found(self, nodes: Scores, files: Scores, asked: list[Named], explain: Callable[[int], str]) -> Found:
        index = self.index
        answers, wanted = index.answers.copy(), ~index.is_test
        answers[[item.node for item in asked]] = True
        wanted[[index.file[item.node] for item in asked]] = True
        return Found(
            index,
            np.where(answers, nodes, -np.inf).astype(np.float32),
            np.where(wanted, files, -np.inf).astype(np.float32),
            explain,
        )

    def _why(self, node: int, places: Pointed, waves: list[Scores]) -> str:
        texts = {item.node: item.why for item in (*places.named, *places.tested, *places.framed, *places.asked)}
        steps = [] if node in texts else self._spread.path(waves, node)
        start = steps[0].source if steps else node
        path = self.index.nodes[start].path
        named_file = f"the issue names {path}" if path in places.filed else "the issue's words"
        origin = texts.get(start, named_file)
        return " → ".join([f"{origin}: {_called(self.index.nodes[start])}", *map(self._told, steps)])

    def _told(self, step: PropagationStep) -> str:
        target = _called(self.index.nodes[step.target])
        if step.along:
            return f"{_ALONG[step.kind]} {target}"
        return f"{_AGAINST[step.kind]} {target}"


_ALONG = {kind: kind.value for kind in EdgeKind}
_AGAINST = {
    EdgeKind.CONTAINS: "is in",
    EdgeKind.IMPORTS: "is imported by",
    EdgeKind.CALLS: "is called by",
    EdgeKind.INHERITS: "is a base of",
    EdgeKind.OVERRIDES: "is overridden by",
    EdgeKind.DECORATES: "decorates",
    EdgeKind.REFERENCES: "is used by",
    EdgeKind.TESTS: "is tested by",
    EdgeKind.REQUESTS: "is requested by",
}
_ALONG[EdgeKind.DECORATES] = "is decorated by"


def _called(node: Node) -> str:
    return f"{node.name} ({node.path}:{node.first})" if node.name else node.path


def _flat(index: Index, words: Lexical, mode: SearchMode) -> tuple[Scores, Scores]:
    """Scores of nodes and files by words alone."""
    likeness = features.take_highest(index, words.vector)
    if mode is SearchMode.BM25:
        return words.bm25, words.file
    if mode is SearchMode.VECTOR:
        return words.vector, likeness
    answers = np.where(index.answers, words.bm25, 0), np.where(index.answers, words.vector, 0)
    files = np.where(index.is_test, 0, words.file), np.where(index.is_test, 0, likeness)
    return features.fuse_ranks(*answers), features.fuse_ranks(*files)


def _best(scores: Scores, count: int) -> list[int]:
    return [int(item) for item in features.take_best(scores, count) if np.isfinite(scores[item])]
