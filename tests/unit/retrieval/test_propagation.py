"""The spread of suspicion beside the sum over all edges that it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from activities.retrieval.features import load_weights
from activities.retrieval.index import KINDS, Edges
from activities.retrieval.propagation import HOPS, Propagation

NODES = 40


@pytest.fixture(scope="module")
def edges() -> Edges:
    chance = np.random.default_rng(0)
    source = chance.integers(0, NODES, 200).astype(np.int32)
    target = ((source + chance.integers(1, NODES, 200)) % NODES).astype(np.int32)
    kind = chance.integers(0, len(KINDS), 200).astype(np.uint8)
    return Edges(source, target, kind, chance.random(200).astype(np.float32), np.ones(200, np.int32))


@pytest.mark.parametrize("seeds", [1, NODES])
def test_few_seeds_and_many_arrive_as_the_matrix_says(edges: Edges, seeds: int) -> None:
    start = np.zeros(NODES, np.float32)
    start[:seeds] = 1 / seeds
    expected: list[NDArray[np.floating]] = [start]
    for _ in range(HOPS):
        expected.append(load_weights().decay * (expected[-1] @ transitions(edges)))
    for wave, right in zip(Propagation(edges, NODES, load_weights()).run(start), expected, strict=True):
        np.testing.assert_allclose(wave, right, atol=1e-6)


def test_nothing_spreads_without_edges() -> None:
    nothing = np.zeros(0, np.int32)
    none = Edges(nothing, nothing, nothing.astype(np.uint8), nothing.astype(np.float32), nothing)
    assert not np.any(Propagation(none, 3, load_weights()).run(np.ones(3, np.float32))[1:])


def transitions(edges: Edges) -> NDArray[np.float64]:
    """What share of a node's suspicion goes to each other."""
    weights, matrix = load_weights(), np.zeros((NODES, NODES))
    ends = np.concatenate([edges.source, edges.target])
    held_back = np.bincount(ends, minlength=NODES) ** weights.hubs
    for source, target, kind, confidence, _ in zip(*edges.columns, strict=True):
        way = weights.ways[KINDS[kind]]
        matrix[source, target] += way.along * confidence / held_back[target]
        matrix[target, source] += way.against * confidence / held_back[source]
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), np.float64)
