"""Ranking measured on bugs whose fix is known: at which rank each search finds what the fix changed, and recall."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from activities.code import python_syntax
from activities.inference.packing import pack_places
from activities.inference.prompt_context import CODE_CHARACTERS
from activities.retrieval.context import HITS
from activities.retrieval.index import Edges, Index
from activities.retrieval.query import Query
from activities.retrieval.search import Found, Search
from hydranet.code_graph.model import EdgeKind, format_node_id
from hydranet.contracts.retrieval import SearchMode

RANDOM = "random neighbours"
EDGELESS = "no edges"
DEEPEST = 200
"""The last rank that counts; what comes later counts as not found."""

KEEP = (1, 5, 10, 20)
"""The cut-offs at which recall is measured."""

_RESAMPLES = 2000

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)


Ranks = Mapping[str, int | None]
"""The rank, from 1, of each thing that was to be found; None where it was not found."""


@dataclass(frozen=True)
class Gold:
    """What a fix changed: paths, and node ids of functions."""

    files: tuple[str, ...]
    functions: tuple[str, ...]


@dataclass(frozen=True)
class GoldRanks:
    """The ranks of the gold files and functions, and which of them the context of a prompt shows."""

    files: Ranks
    functions: Ranks
    shown_files: Sequence[str]
    shown_functions: Sequence[str]
    context_files: int


def list_variants(index: Index) -> dict[str, Search]:
    """Return the searches to compare: the graph, its controls, and the graph without each kind of edge."""
    edges = {RANDOM: rewire_edges(index.edges), EDGELESS: _drop_all(index.edges)}
    edges |= {f"without {kind}": index.edges.without(kind) for kind in EdgeKind}
    return {str(SearchMode.GRAPH): Search(index)} | {name: Search(index, edges=kept) for name, kept in edges.items()}


def rank_gold(results: Found, gold: Gold, sources: Mapping[str, str]) -> GoldRanks:
    """Return the ranks that results have for what a fix changed; `sources` are the texts of the tree by path."""
    files = [hit.path for hit in results.ranked(DEEPEST)]
    hits = results.functions(DEEPEST)
    functions = [hit.node.id.partition("#")[0] for hit in hits]
    places = [place for hit in hits[:HITS] if (place := hit.place) is not None]
    context = [snippet.place for snippet in pack_places(places, sources, CODE_CHARACTERS)]
    symbols = {format_node_id(place.file, place.symbol) for place in context}
    context_files = {place.file for place in context}
    return GoldRanks(
        files={path: _find_rank(files, path) for path in gold.files},
        functions={function: _find_rank(functions, function) for function in gold.functions},
        shown_files=[path for path in gold.files if path in context_files],
        shown_functions=[f for f in gold.functions if f in symbols or _find_class(f) in symbols],
        context_files=len(context_files),
    )


def measure_ranking(
    index: Index, queries: Mapping[str, Query], gold: Gold, sources: Mapping[str, str]
) -> dict[str, dict[str, GoldRanks]]:
    """Return the ranks of the fix by the name of a query, and by mode."""
    searches = list_variants(index)
    graph = searches[str(SearchMode.GRAPH)]
    flat = (SearchMode.BM25, SearchMode.VECTOR, SearchMode.FUSION)
    return {
        name: {str(mode): rank_gold(graph.find(query, mode), gold, sources) for mode in flat}
        | {variant: rank_gold(search.find(query), gold, sources) for variant, search in searches.items()}
        for name, query in queries.items()
    }


def rewire_edges(edges: Edges) -> Edges:
    """Return edges of the same kinds with their targets shuffled, so that every node keeps its degrees."""
    chance = np.random.default_rng(0)
    target = edges.target.copy()
    for kind in np.unique(edges.kind):
        same = np.flatnonzero(edges.kind == kind)
        target[same] = chance.permutation(target[same])
    return replace(edges, target=target)


def find_changed_functions(patch: str, sources: Mapping[str, str]) -> tuple[str, ...]:
    """Return the node ids of the innermost definitions that a unified diff changes in `sources`."""
    functions: list[str] = []
    for file_diff in re.split(r"^--- ", patch, flags=re.MULTILINE)[1:]:
        path = file_diff.partition("\n")[0].split("\t")[0].strip().removeprefix("a/")
        tree = python_syntax.parse_python(sources.get(path, ""))
        definitions = [d for d in python_syntax.list_definitions(tree) if d.kind != "variable"]
        for line in _list_changed_lines(file_diff):
            around = [definition for definition in definitions if definition.first <= line <= definition.last]
            if around:
                functions.append(format_node_id(path, max(around, key=lambda definition: definition.first).name))
    return tuple(dict.fromkeys(functions))


def _list_changed_lines(file_diff: str) -> list[int]:
    # Lines of the old side, for an insertion the line before it.
    lines: list[int] = []
    at = 0
    for text in file_diff.split("\n"):
        if (hunk := _HUNK.match(text)) is not None:
            at = int(hunk[1])
        elif text.startswith("-") and at:
            lines.append(at)
            at += 1
        elif text.startswith("+") and at:
            lines.append(max(at - 1, 1))
        elif at:
            at += 1
    return lines


def _find_rank(ranking: Sequence[str], item: str) -> int | None:
    return ranking.index(item) + 1 if item in ranking else None


def _find_class(function: str) -> str:
    # A function of a module is its own.
    head, dot, _ = function.rpartition(".")
    return head if dot and "::" in head else function


def _drop_all(edges: Edges) -> Edges:
    nothing = slice(0, 0)
    return Edges(*(column[nothing] for column in edges.columns))


@dataclass(frozen=True)
class Share:
    """A mean share with its 95 % interval, by the percentile bootstrap over instances."""

    mean: float
    low: float
    high: float


def measure_recall(ranks: Ranks, keep: int) -> float:
    """Return the share of what was to be found that is among the first `keep`."""
    return mean(float(rank is not None and rank <= keep) for rank in ranks.values())


def estimate_share(values: Sequence[float]) -> Share:
    """Return the mean of the instances' values, 0 where there are none."""
    if not values:
        return Share(0.0, 0.0, 0.0)
    chance = random.Random(0)  # noqa: S311
    means = sorted(mean(chance.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = means[round(0.025 * _RESAMPLES)], means[round(0.975 * _RESAMPLES) - 1]
    return Share(round(mean(values), 4), round(low, 4), round(high, 4))


def estimate_difference(ours: Sequence[float], theirs: Sequence[float]) -> Share:
    """Return by how much ours exceed theirs, instance by instance."""
    return estimate_share([our - their for our, their in zip(ours, theirs, strict=True)])
