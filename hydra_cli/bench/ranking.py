"""Measures a search on a bug whose fix is known: at which place each mode finds what the fix changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from activities.code import python_syntax
from activities.inference.packing import pack_places
from activities.inference.prompt_context import CODE_CHARACTERS
from activities.retrieval.context import HITS
from activities.retrieval.index import Edges, Index
from activities.retrieval.query import Query
from activities.retrieval.search import Found, Search
from hydranet.code_graph.model import EdgeKind, format_node_id
from hydranet.contracts.search_mode import SearchMode

RANDOM = "random neighbours"
EDGELESS = "no edges"
DEEPEST = 200
"""The last place that is told; what comes later counts as not found."""

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)


@dataclass(frozen=True)
class Gold:
    """What a fix changed: paths, and node ids of functions."""

    files: tuple[str, ...]
    functions: tuple[str, ...]


@dataclass(frozen=True)
class GoldRanks:
    """At which place, from 1, a mode has each gold file and function, and which of them its context shows."""

    files: Mapping[str, int | None]
    functions: Mapping[str, int | None]
    shown_files: Sequence[str]
    shown_functions: Sequence[str]
    context_files: int


def list_variants(index: Index) -> dict[str, Search]:
    """The searches over an index to compare: the graph, its controls, and it without each kind of edge."""
    edges = {RANDOM: rewire_edges(index.edges), EDGELESS: _none(index.edges)}
    edges |= {f"without {kind}": index.edges.without(kind) for kind in EdgeKind}
    return {str(SearchMode.GRAPH): Search(index)} | {name: Search(index, edges=kept) for name, kept in edges.items()}


def rank_gold(found: Found, gold: Gold, sources: Mapping[str, str]) -> GoldRanks:
    """At which places `found` has what a fix changed; `sources` are the texts of the tree by path."""
    files = [one.path for one in found.ranked(DEEPEST)]
    hits = found.functions(DEEPEST)
    functions = [hit.node.id.partition("#")[0] for hit in hits]
    places = [place for hit in hits[:HITS] if (place := hit.place) is not None]
    context = [snippet.place for snippet in pack_places(places, sources, CODE_CHARACTERS)]
    symbols = {format_node_id(place.file, place.symbol) for place in context}
    return GoldRanks(
        files={path: _place(files, path) for path in gold.files},
        functions={one: _place(functions, one) for one in gold.functions},
        shown_files=[path for path in gold.files if path in {place.file for place in context}],
        shown_functions=[one for one in gold.functions if one in symbols or _class(one) in symbols],
        context_files=len({place.file for place in context}),
    )


def measure_ranking(
    index: Index, queries: Mapping[str, Query], gold: Gold, sources: Mapping[str, str]
) -> dict[str, dict[str, GoldRanks]]:
    """By the name of a query, and by mode, at which places the fix is found."""
    searches = list_variants(index)
    graph = searches[str(SearchMode.GRAPH)]
    flat = (SearchMode.BM25, SearchMode.VECTOR, SearchMode.FUSION)
    return {
        name: {str(mode): rank_gold(graph.find(query, mode), gold, sources) for mode in flat}
        | {variant: rank_gold(search.find(query), gold, sources) for variant, search in searches.items()}
        for name, query in queries.items()
    }


def rewire_edges(edges: Edges) -> Edges:
    """Edges of the same kinds and from the same sources, to targets drawn from those of all: every degree is kept."""
    chance = np.random.default_rng(0)
    target = edges.target.copy()
    for kind in np.unique(edges.kind):
        same = np.flatnonzero(edges.kind == kind)
        target[same] = chance.permutation(target[same])
    return replace(edges, target=target)


def find_changed_functions(patch: str, sources: Mapping[str, str]) -> tuple[str, ...]:
    """The node ids of the innermost definitions that a unified diff changes, as they stand in `sources`."""
    found: list[str] = []
    for piece in re.split(r"^--- ", patch, flags=re.MULTILINE)[1:]:
        path = piece.partition("\n")[0].split("\t")[0].strip().removeprefix("a/")
        definitions = [
            one
            for one in python_syntax.list_definitions(python_syntax.parse_python(sources.get(path, "")))
            if one.kind != "variable"
        ]
        for line in _changed_lines(piece):
            around = [one for one in definitions if one.first <= line <= one.last]
            if around:
                found.append(format_node_id(path, max(around, key=lambda one: one.first).name))
    return tuple(dict.fromkeys(found))


def _changed_lines(piece: str) -> list[int]:
    """The lines of the old side that a file's hunks remove, or at which they insert."""
    lines: list[int] = []
    at = 0
    for text in piece.split("\n"):
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


def _place(found: Sequence[str], wanted: str) -> int | None:
    return found.index(wanted) + 1 if wanted in found else None


def _class(function: str) -> str:
    """The id of the class of a method; a function's own."""
    head, dot, _ = function.rpartition(".")
    return head if dot and "::" in head else function


def _none(edges: Edges) -> Edges:
    nothing = slice(0, 0)
    return Edges(*(column[nothing] for column in edges.columns))
