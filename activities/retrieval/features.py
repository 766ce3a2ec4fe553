"""Signals: what a query says of every node and every file of an index, as figures between 0 and 1.

They are the features of the rankers. Those of words are relative to the best of the query, so that a long issue and
a short one are comparable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from activities.retrieval.index import Index
from activities.retrieval.query import (
    Named,
    Query,
    find_asked,
    find_filed,
    find_framed,
    find_named,
    find_test_functions,
)
from hydranet.code_graph.model import EdgeKind, format_node_id

Scores = NDArray[np.float32]
Features = dict[str, Scores]
Sources = Mapping[str, tuple[NDArray[np.int64], Scores]]

# How many of the best by words are seeds, and how much the better ones are preferred; how soon a rank counts less, of
# which 60 is usual for fusion.
_LEXICAL_SEEDS = 30
_SHARPNESS = 3
_RANK = 60.0
_FUSED = 1000

_FIRST = np.float32(100.0)


@dataclass(frozen=True)
class Lexical:
    """What words say: BM25 of each node's lines and name, of each file, and the likeness of vectors."""

    body: Scores
    title: Scores
    file: Scores
    vector: Scores

    @property
    def bm25(self) -> Scores:
        """BM25 of a node's lines and name together."""
        return self.body + self.title


@dataclass(frozen=True)
class Pointed:
    """The places that a query points at: that it asks for, by name, by frame, by failing test and by file."""

    asked: list[Named]
    named: list[Named]
    framed: list[Named]
    tested: list[Named]
    filed: dict[str, float]


def search_words(query: Query, index: Index, vector: Scores | None) -> Lexical:
    """Search the index by words; `vector` is the query's, if the index has vectors."""
    terms = query.terms
    alike = np.zeros(len(index.nodes), np.float32)
    if vector is not None and index.vectors is not None:
        alike = np.maximum(index.vectors @ vector, 0)
    return Lexical(index.body.scores(terms), index.title.scores(terms), index.files.scores(terms), alike)


def find_pointed(query: Query, index: Index) -> Pointed:
    """Return the places that the query points at."""
    return Pointed(
        asked=find_asked(query, index),
        named=find_named(query, index),
        framed=find_framed(query, index),
        tested=find_test_functions(query, index),
        filed=find_filed(query, index),
    )


def fuse_ranks(*scores: Scores) -> Scores:
    """Reciprocal-rank fusion (Cormack, Clarke and Büttcher, 2009); beyond the best 1,000 nothing counts."""
    total = np.zeros_like(scores[0])
    for each in scores:
        order = take_best(each, _FUSED)
        order = order[each[order] > 0]
        total[order] += (1 / (_RANK + np.arange(1, len(order) + 1))).astype(np.float32)
    return total


def take_best(scores: Scores, count: int) -> NDArray[np.int64]:
    """Return the numbers of the highest scores, the highest first, of equal ones the lower number."""
    if count >= len(scores):
        return np.argsort(-scores, kind="stable")
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    kept = np.flatnonzero(scores >= least)
    return kept[np.argsort(-scores[kept], kind="stable")][:count]


def choose_sources(index: Index, words: Lexical, places: Pointed) -> Sources:
    """Return where suspicion starts, by the name of its kind: nodes and their shares, together 1."""
    top = take_best(fuse_ranks(words.bm25, words.vector), _LEXICAL_SEEDS)
    inside = [
        (node, share / len(index.of_path[path])) for path, share in places.filed.items() for node in index.of_path[path]
    ]
    return {
        "named": _shared((item.node, item.share) for item in (*places.asked, *places.named)),
        "framed": _shared((item.node, item.share) for item in places.framed),
        "tested": _shared((item.node, item.share) for item in places.tested),
        "filed": _shared(inside),
        "lexical": _shared((int(node), float(words.bm25[node]) ** _SHARPNESS) for node in top),
    }


def build_start(nodes: int, sources: Sources, shares: Mapping[str, float]) -> Scores:
    """Return the suspicion of every node before it spreads: each kind of source has its share."""
    seeds = np.zeros(nodes, np.float32)
    for name, (places, parts) in sources.items():
        np.add.at(seeds, places, shares[name] * parts)
    return seeds


def describe_nodes(index: Index, words: Lexical, places: Pointed) -> Features:
    """Return the features of the nodes, without those of the propagation."""
    return {
        "body": _relative(words.body),
        "title": _relative(words.title),
        "vector": _relative(words.vector),
        "named": _at(index, places.named),
        "framed": _at(index, places.framed),
        "filed": _of_files(index, places.filed)[index.file],
        "size": index.size,
        "aside": index.aside[index.file],
        "class": index.is_class,
        "block": index.is_block,
    }


def describe_files(index: Index, words: Lexical, places: Pointed) -> Features:
    """Return the features of the files, without those of the propagation."""
    return {
        "file": _relative(words.file),
        "body": _relative(take_highest(index, words.body)),
        "title": _relative(take_highest(index, words.title)),
        "vector": _relative(take_highest(index, words.vector)),
        "named": take_highest(index, _at(index, places.named)),
        "framed": take_highest(index, _at(index, places.framed)),
        "filed": _of_files(index, places.filed),
        "size": index.file_size,
        "aside": index.aside,
    }


def describe_spread_of_nodes(arrived: Scores) -> Features:
    """Return the features of the nodes that come with the spread: what arrived at each."""
    return {"spread": _relative(np.cbrt(arrived))}


def describe_spread_of_files(arrived: Scores, firsts: NDArray[np.int64]) -> Features:
    """Return the features of the files that come with the spread; `firsts` are the numbers of their first nodes."""
    if not len(arrived):
        return {"spread": arrived, "peak": arrived}
    together, highest_one = np.add.reduceat(arrived, firsts), np.maximum.reduceat(arrived, firsts)
    return {"spread": _relative(np.cbrt(together)), "peak": _relative(np.cbrt(highest_one))}


def mark_first(index: Index, places: list[Named]) -> Scores:
    """Return a score that puts places before all others."""
    return _FIRST * _at(index, places)


def score_fixed_before(index: Index, fixed: Mapping[tuple[str, str], float]) -> Scores:
    """Return how much earlier fixes speak for each node."""
    scores = np.zeros(len(index.nodes), np.float32)
    for (path, name), share in fixed.items():
        if (node := index.by_id.get(format_node_id(path, name))) is not None:
            scores[node] = share
    return scores


def apply_weights(features: Features, weights: Mapping[str, float]) -> Scores:
    """Return the weighted sum of features, by their names."""
    rows = np.stack([np.float32(weights[name]) * scores for name, scores in features.items()])
    total: Scores = rows.sum(axis=0, dtype=np.float32)
    return total


def score_home(files: Scores, answers: NDArray[np.bool_]) -> Scores:
    """Return each file's likelihood relative to the likeliest answer, by the scores of a conditional logit."""
    best = float(files[answers].max(initial=-np.inf))
    return np.exp(np.minimum(files - best, 0)) if np.isfinite(best) else np.zeros_like(files)


def take_highest(index: Index, scores: Scores) -> Scores:
    """Each file's highest score of a node."""
    return np.maximum.reduceat(scores, index.firsts) if len(scores) else scores


def _shared(places: Iterable[tuple[int, float]]) -> tuple[NDArray[np.int64], Scores]:
    pairs = list(places)
    nodes, parts = np.array([node for node, _ in pairs], np.int64), np.array([part for _, part in pairs], np.float32)
    return nodes, parts / max(float(parts.sum()), 1e-9)


def _relative(scores: Scores) -> Scores:
    best = float(scores.max(initial=0.0))
    return scores / best if best > 0 else scores


def _at(index: Index, places: list[Named]) -> Scores:
    scores = np.zeros(len(index.nodes), np.float32)
    for place in places:
        scores[place.node] = max(scores[place.node], place.share)
    return scores


def _of_files(index: Index, places: dict[str, float]) -> Scores:
    scores = np.zeros(len(index.paths), np.float32)
    for path, share in places.items():
        scores[index.file[index.of_path[path][0]]] = share
    return scores


FIGURES = Path(__file__).with_name("ranking_weights.json")


class Way(msgspec.Struct, frozen=True):
    """How readily suspicion follows a kind of edge: from source to target, and back."""

    along: float
    against: float


class Weights(msgspec.Struct, frozen=True):
    """`decay` is what is left of suspicion after a hop; `hubs`, 0 to 1, how much a node with many edges is held back.

    `seeds` is what share of the suspicion starts where; `functions` and `files` are the rankers' coefficients by
    the name of a feature.
    """

    ways: dict[EdgeKind, Way]
    decay: float
    hubs: float
    seeds: dict[str, float]
    functions: dict[str, float]
    files: dict[str, float]


@cache
def load_weights() -> Weights:
    """Return the weights that come with the package."""
    return msgspec.json.decode(FIGURES.read_bytes(), type=Weights)
