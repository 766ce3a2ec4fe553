"""Measures what the edges of the graph are worth on large trees, on bug fixes of projects that nothing was learned on.

Run with `python -m benchmarks.large_trees --keep FOLDER REPOSITORY...` (as for `benchmarks.retrieval_weights`, of which
it takes the cases). Of each kind of query it prints the share of the fixes' files among the first 5 and 10, by

- fusion: the ranks of words and vectors alone,
- shipped: the graph with the weights that come with the package,
- graph: the same with the ranker of files learned on the other projects given,
- no edges: that ranker without what the edges bring, learned on the other projects given.

The intervals are of the difference at 10 between `graph` and the two others: 95 %, by drawing fixes anew.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from activities.retrieval.features import Scores, Weights, load_weights
from benchmarks.retrieval_weights import (
    FILE_FEATURES,
    Prepared,
    arrivals,
    files_of,
    fit_files,
    gathered,
    rank_of_right,
)

EDGE_FEATURES = ("spread", "peak")
WORD_FEATURES = tuple(name for name in FILE_FEATURES if name not in EDGE_FEATURES)
KEEP = 5, 10
RESAMPLES = 10_000

Shares = dict[str, list[NDArray[np.float64]]]


def measure(own: Sequence[Prepared], others: Sequence[Prepared], shipped: Weights) -> Shares:
    """Return, by ranker, the share of each query's files among the first of `KEEP`."""
    graph, words = fit_files(others, shipped)[0], fit_files(others, shipped, names=WORD_FEATURES)[0]
    found: Shares = {"fusion": [], "no edges": [], "graph": [], "shipped": []}
    for one, came in zip(own, arrivals(own, shipped), strict=True):
        kept = np.flatnonzero(~one.is_test)
        found["fusion"].append(_hits(rank_of_right(one.flat[kept], np.flatnonzero(np.isin(kept, one.files)))))
        for name, weights in (("no edges", words), ("graph", graph), ("shipped", shipped)):
            found[name].append(_hits(_rank(one, came, weights.files)))
    return found


def _rank(one: Prepared, came: Scores, weights: Mapping[str, float]) -> NDArray[np.int64]:
    matrix, right = files_of(one, came)
    return rank_of_right(matrix @ np.array([weights.get(name, 0.0) for name in FILE_FEATURES], np.float32), right)


def _hits(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([np.mean(ranks < keep) for keep in KEEP])


def _interval(first: NDArray[np.float64], second: NDArray[np.float64]) -> str:
    """The difference of two shares of the same queries in points, with what 95 % of resamples lie between."""
    difference = first - second
    drawn = np.random.default_rng(7).choice(difference, (RESAMPLES, len(difference))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{100 * difference.mean():+.1f} ({100 * low:.0f} to {100 * high:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--keep", type=Path, required=True)
    chosen = parser.parse_args()
    data = gathered(chosen.repositories, chosen.cases, chosen.keep)
    projects = sorted({one.project for one in data})
    rows: dict[str, Shares] = {}
    for project in projects:
        own = [one for one in data if one.project == project]
        shares = measure(own, [one for one in data if one.project != project], load_weights())
        sizes = [len(one.firsts) for one in own]
        print(f"{project}: {min(sizes)} to {max(sizes)} files, tests included", flush=True)
        for kind in sorted({one.kind for one in own}):
            of_kind = [index for index, one in enumerate(own) if one.kind == kind]
            for name, found in shares.items():
                rows.setdefault(kind, {}).setdefault(name, []).extend(found[index] for index in of_kind)
            means = {name: 100 * np.mean([found[index] for index in of_kind], axis=0) for name, found in shares.items()}
            print(f"  {kind} ({len(of_kind)}): {_format(means)}", flush=True)
    for kind, shares in rows.items():
        at_10 = {name: np.array(found)[:, -1] for name, found in shares.items()}
        differences = {name: _interval(at_10["graph"], at_10[name]) for name in ("fusion", "no edges")}
        means = {name: 100 * np.mean(found, axis=0) for name, found in shares.items()}
        print(f"all, {kind} ({len(at_10['graph'])}): {_format(means)}")
        print(f"  graph less fusion {differences['fusion']}, less no edges {differences['no edges']}")


def _format(means: Mapping[str, NDArray[np.float64]]) -> str:
    return ", ".join(f"{name} {mean[0]:.1f} / {mean[1]:.1f}" for name, mean in means.items())


if __name__ == "__main__":
    main()
