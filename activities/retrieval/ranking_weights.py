"""The weights of the search: what `benchmarks/retrieval_weights.py` learned from bug fixes of other projects."""

from functools import cache
from pathlib import Path

import msgspec

from hydranet.code_graph.model import EdgeKind

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
