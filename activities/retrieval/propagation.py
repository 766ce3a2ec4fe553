"""How suspicion spreads over the edges of a code graph.

A personalised PageRank (Haveliwala, "Topic-Sensitive PageRank", 2002) of few hops over typed edges: from a node it
goes on along each edge, and against it, with a weight by the edge's kind and direction, times the edge's confidence;
a target that many lead to gets less from each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from activities.retrieval.features import Weights
from activities.retrieval.index import KINDS, Edges
from hydranet.code_graph.model import EdgeKind

HOPS = 4

_FEW = 0.2
"""The share of all transitions up to which it is quicker to look at them one by one."""


@dataclass(frozen=True)
class PropagationStep:
    """One hop of a path: from a node over an edge of a kind, along it or against it."""

    source: int
    target: int
    kind: EdgeKind
    along: bool
    line: int


class Propagation:
    """The transitions of a graph, ready for any seeds."""

    def __init__(self, edges: Edges, nodes: int, weights: Weights) -> None:
        self._decay = weights.decay
        along = np.array([weights.ways[kind].along for kind in KINDS], np.float32)[edges.kind] * edges.confidence
        against = np.array([weights.ways[kind].against for kind in KINDS], np.float32)[edges.kind] * edges.confidence
        source = np.concatenate([edges.source, edges.target])
        target = np.concatenate([edges.target, edges.source])
        weight = np.concatenate([along, against])
        origin = np.tile(np.arange(len(edges.source), dtype=np.int32), 2)
        degree = np.maximum(np.bincount(target, minlength=nodes), 1).astype(np.float32)
        weight = weight / degree[target] ** weights.hubs
        total = np.bincount(source, weight, nodes).astype(np.float32)
        weight = weight / np.maximum(total[source], 1e-9)
        kept = np.flatnonzero(weight > 0)
        order = kept[np.argsort(target[kept], kind="stable")]
        self._source, self._target = source[order], target[order]
        self._weight = weight[order].astype(np.float32)
        self._edge = origin[order]
        self._along = order < len(edges.source)
        self._edges = edges
        self._starts = np.searchsorted(self._target, np.arange(nodes + 1)).astype(np.int64)
        self._reached, self._firsts = np.unique(self._target, return_index=True)
        self._leaving = np.argsort(self._source, kind="stable")
        self._departures = np.searchsorted(self._source[self._leaving], np.arange(nodes + 1)).astype(np.int64)

    def run(self, seeds: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return what arrives at every node after 0, 1, ... hops, each hop's share already decayed."""
        waves = [seeds]
        for _ in range(HOPS):
            waves.append(np.float32(self._decay) * self._hop(waves[-1]))
        return waves

    def _hop(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what arrives at every node; of a wave that few have yet, only what leaves these is looked at."""
        active = np.flatnonzero(wave)
        firsts, counts = self._departures[active], self._departures[active + 1] - self._departures[active]
        if (total := int(counts.sum())) > _FEW * len(self._source):
            arrived = np.zeros_like(wave)
            arrived[self._reached] = np.add.reduceat(self._weight * wave[self._source], self._firsts)
            return arrived
        places = np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(total)
        taken = self._leaving[places]
        shares = self._weight[taken] * np.repeat(wave[active], counts)
        return np.bincount(self._target[taken], shares, len(wave)).astype(np.float32)

    def path(self, waves: list[NDArray[np.float32]], node: int) -> list[PropagationStep]:
        """Return the steps by which most of a node's suspicion reached it, from its seed on; none for a seed."""
        hop = int(np.argmax([wave[node] for wave in waves]))
        steps: list[PropagationStep] = []
        while hop > 0:
            piece = slice(self._starts[node], self._starts[node + 1])
            best = int(np.argmax(self._weight[piece] * waves[hop - 1][self._source[piece]])) + int(piece.start)
            edge, before = self._edge[best], int(self._source[best])
            kind, line = KINDS[self._edges.kind[edge]], int(self._edges.line[edge])
            steps.append(PropagationStep(before, node, kind, bool(self._along[best]), line))
            node, hop = before, hop - 1
        return steps[::-1]
