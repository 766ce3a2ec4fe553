"""Learns the weights of the search from bug fixes in the histories of repositories.

Run with `python -m benchmarks.retrieval_weights --cases 24 --keep FOLDER REPOSITORY...` (paths of git directories with
their history; the folder before `repo` names a project). Each fix is a query by what was said of it: twice over the
tree before the fix with the fix's tests in it, as a user with a failing test has it, without and with the names of
these tests, and once over the tree before the fix with some lines of a test in the query, as reporters give them. The
functions and files that were changed are right.

The rankers are conditional logits (McFadden, 1974): softmax regressions over all files, or functions, of a query. The
weights of edges, decay, hubs and seeds are chosen by a random search around the best so far, on half of the projects,
by the likelihood of what is right. The figures printed are those of each project with weights learned on the others.
Only weights are written, to ranking_weights.json beside the search: no text and no code of the repositories.
"""

import argparse
import pickle
import random
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from activities.code.test_files import is_test_file
from activities.git.reader import MissingObjectError
from activities.git.trees import list_entries, read_contents
from activities.git.user_repository import UserRepository
from activities.retrieval import features as signals
from activities.retrieval import hashed_vectors
from activities.retrieval.features import FIGURES, Scores, Way, Weights
from activities.retrieval.file_facts import FileFacts
from activities.retrieval.file_filter import filter_content, filter_path
from activities.retrieval.index import Edges, Index, read_texts
from activities.retrieval.languages import SUFFIXES, parse_file
from activities.retrieval.linking import Linker, find_affected
from activities.retrieval.propagation import Propagation
from activities.retrieval.query import Query
from activities.retrieval.tokens import Bags, count_bodies
from benchmarks.bug_fixes import Case, cases
from hydranet.code_graph.model import Edge, EdgeKind

# What a traceback counts, which the messages of fixes hardly ever have in them.
BY_HAND = {"framed": 6.0}

NODES = 250
STEPS = 400
RATE = 0.1
RIDGE = 1e-4
START = Weights(
    ways={
        EdgeKind.CONTAINS: Way(0.5, 0.5),
        EdgeKind.IMPORTS: Way(0.3, 0.1),
        EdgeKind.CALLS: Way(1.0, 0.5),
        EdgeKind.INHERITS: Way(0.8, 0.3),
        EdgeKind.OVERRIDES: Way(0.5, 0.5),
        EdgeKind.DECORATES: Way(0.5, 0.1),
        EdgeKind.REFERENCES: Way(0.5, 0.2),
        EdgeKind.TESTS: Way(1.0, 0.3),
        EdgeKind.REQUESTS: Way(0.5, 0.5),
    },
    decay=0.6,
    hubs=0.3,
    seeds={"named": 0.4, "framed": 0.3, "tested": 0.3, "filed": 0.1, "lexical": 0.4},
    functions={},
    files={},
)


@dataclass
class Prepared:
    """A query over a tree, ready to be ranked with any weights: what does not depend on them."""

    project: str
    kind: str
    edges: Edges
    sources: signals.Sources
    of_nodes: signals.Features
    of_files: signals.Features
    file: NDArray[np.int32]
    firsts: NDArray[np.int64]
    answers: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    flat: Scores
    files: NDArray[np.int64]
    functions: NDArray[np.int64]


class Trees:
    """The indexes of a repository's commits, one after the other; a content is parsed once."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._parsed: dict[str, tuple[FileFacts, bytes, NDArray[np.float16]] | None] = {}
        self._before: dict[str, FileFacts] = {}
        self._edges: dict[str, list[Edge]] = {}

    def index(self, commit: str, tests: str | None) -> Index:
        """The index of a commit, with the files of tests of the commit `tests`."""
        listed = self._listed(commit)
        if tests is not None:
            listed = {path: oid for path, oid in listed.items() if not is_test_file(path)}
            listed |= {path: oid for path, oid in self._listed(tests).items() if is_test_file(path)}
        self._parse(listed)
        kept = {path: parsed for path, oid in sorted(listed.items()) if (parsed := self._parsed[oid]) is not None}
        facts = {path: parsed[0] for path, parsed in kept.items()}
        self._link(facts)
        nodes = [node for path in kept for node in facts[path].nodes(path)]
        bags = Bags.joined([Bags.from_bytes(parsed[1]) for parsed in kept.values()])
        counts = np.concatenate([parsed[2] for parsed in kept.values()]).astype(np.float32)
        rarity = hashed_vectors.measure_rarity(counts)
        edges = (edge for path in kept for edge in self._edges[path])
        return Index(nodes, bags, edges, hashed_vectors.weigh_vectors(counts, rarity), rarity)

    def _listed(self, commit: str) -> dict[str, str]:
        found = {entry.path: entry for entry in list_entries(self._repository, commit)}
        return {path: one.oid for path, one in found.items() if filter_path(path, one.size, found, SUFFIXES) is None}

    def _parse(self, listed: Mapping[str, str]) -> None:
        missing = {oid: path for path, oid in listed.items() if oid not in self._parsed}
        for oid, source in read_contents(self._repository, list(missing)):
            facts = None if filter_content(source) else parse_file(missing[oid], source)
            self._parsed[oid] = None if facts is None else _described(facts, source.decode(errors="replace"))

    def _link(self, facts: Mapping[str, FileFacts]) -> None:
        changed = find_affected(self._before, facts) | (facts.keys() - self._edges.keys())
        linker = Linker(facts)
        self._edges = {path: linker.link(path) if path in changed else self._edges[path] for path in facts}
        self._before = dict(facts)


def _described(facts: FileFacts, source: str) -> tuple[FileFacts, bytes, NDArray[np.float16]]:
    nodes = facts.nodes("")
    return (
        facts,
        count_bodies(nodes, source).to_bytes(),
        hashed_vectors.count_features(read_texts(nodes, source)).astype(np.float16),
    )


def prepared(case: Case, trees: Trees) -> Iterator[Prepared]:
    """A case as one or two queries."""
    plain = Query(f"{case.title}\n{case.text}")
    variants: list[tuple[str, Query, str | None]] = [
        ("issue", plain, case.commit),
        ("issue and failing tests", Query(plain.text, tests=case.tests), case.commit),
    ]
    if case.reproduction:
        variants.append(("issue with lines of a test", Query(f"{plain.text}\n```\n{case.reproduction}\n```"), None))
    made: dict[str | None, Index] = {}
    for kind, query, tests in variants:
        index = made[tests] if tests in made else made.setdefault(tests, trees.index(case.parent, tests))
        files = [index.paths.index(path) for path in case.files if path in index.of_path]
        functions = [index.by_id[one] for one in case.functions if one in index.by_id]
        if not files or not functions or index.rarity is None:
            continue
        vector = hashed_vectors.weigh_vectors(hashed_vectors.count_features([query.text]), index.rarity)[0]
        words, places = signals.search_words(query, index, vector), signals.find_pointed(query, index)
        flat = (
            np.where(index.is_test, 0, words.file),
            np.where(index.is_test, 0, signals.take_highest(index, words.vector)),
        )
        yield Prepared(
            case.project,
            kind,
            index.edges,
            signals.choose_sources(index, words, places),
            signals.describe_nodes(index, words, places),
            signals.describe_files(index, words, places),
            index.file,
            index.firsts,
            index.answers,
            index.is_test,
            signals.fuse_ranks(*flat),
            np.array(files),
            np.array(functions),
        )


@dataclass
class Rows:
    """What a ranker learns from: a matrix of features for each query, and which rows are right."""

    names: tuple[str, ...]
    features: list[NDArray[np.float32]]
    right: list[NDArray[np.int64]]

    @classmethod
    def of(cls, names: tuple[str, ...], pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> "Rows":
        """The rows of the queries of which something that is right is among the candidates."""
        kept = [(matrix, right) for matrix, right in pairs if len(right)]
        return cls(names, [matrix for matrix, _ in kept], [right for _, right in kept])

    def loss(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The mean negative log-likelihood of what is right, and its gradient."""
        total, gradient = 0.0, np.zeros_like(weights)
        for matrix, right in zip(self.features, self.right, strict=True):
            scores = matrix @ weights
            scores -= scores.max()
            shares = np.exp(scores)
            shares /= shares.sum()
            total -= float(np.mean(np.log(shares[right] + 1e-12)))
            gradient += matrix.T @ shares - matrix[right].mean(axis=0)
        count = max(len(self.features), 1)
        return total / count + RIDGE * float(weights @ weights), gradient / count + 2 * RIDGE * weights

    def fitted(self, start: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """The weights of least loss, by Adam (Kingma and Ba, 2015)."""
        weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
        learned = np.array([name not in BY_HAND for name in self.names], float)
        for step in range(1, steps + 1):
            gradient = self.loss(weights)[1] * learned
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
            weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        return weights


def arrivals(data: Sequence[Prepared], weights: Weights) -> list[Scores]:
    """What arrives at every node of each query's tree; queries over the same tree stand together."""
    found: list[Scores] = []
    spread, edges = None, None
    for one in data:
        if spread is None or edges is not one.edges:
            spread, edges = Propagation(one.edges, len(one.file), weights), one.edges
        waves = spread.run(signals.build_start(len(one.file), one.sources, weights.seeds))
        found.append(np.stack(waves[1:]).sum(axis=0, dtype=np.float32))
    return found


def files_of(one: Prepared, came: Scores) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features of the files that are no tests, and which of these are right."""
    features = one.of_files | signals.describe_spread_of_files(came, one.firsts)
    kept = np.flatnonzero(~one.is_test)
    return np.stack([features[name] for name in FILE_FEATURES], axis=1)[kept], np.flatnonzero(np.isin(kept, one.files))


def nodes_of(one: Prepared, came: Scores, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features of the likeliest nodes and of those that are right, and which these are."""
    of_files = one.of_files | signals.describe_spread_of_files(came, one.firsts)
    features = one.of_nodes | signals.describe_spread_of_nodes(came)
    features["home"] = signals.score_home(signals.apply_weights(of_files, weights.files), ~one.is_test)[one.file]
    matrix = np.stack([features[name] for name in NODE_FEATURES], axis=1)
    prior = features["body"] + features["title"] + features["named"] + features["spread"] + features["home"]
    right = one.functions[one.answers[one.functions]]
    best = np.argsort(-np.where(one.answers, prior, -1), kind="stable")[:NODES]
    kept = np.union1d(best[one.answers[best]], right)
    return matrix[kept], np.flatnonzero(np.isin(kept, right))


FILE_FEATURES = ("file", "body", "title", "vector", "named", "framed", "filed", "size", "aside", "spread", "peak")
NODE_FEATURES = (
    *("body", "title", "vector", "named", "framed", "filed", "size", "aside", "class", "block", "spread", "home"),
)


def fit_files(
    data: Sequence[Prepared], weights: Weights, steps: int = STEPS, names: tuple[str, ...] = FILE_FEATURES
) -> tuple[Weights, float]:
    """The weights with the ranker of files learned anew on the features of these names, and its loss."""
    kept = [FILE_FEATURES.index(name) for name in names]
    pairs = map(files_of, data, arrivals(data, weights))
    rows = Rows.of(names, ((matrix[:, kept], right) for matrix, right in pairs))
    best = rows.fitted(np.array([weights.files.get(name, BY_HAND.get(name, 1.0)) for name in names]), steps)
    learned = dict(zip(names, map(float, best), strict=True))
    return msgspec.structs.replace(weights, files=learned), rows.loss(best)[0]


def fit_nodes(data: Sequence[Prepared], weights: Weights) -> Weights:
    """The weights with the ranker of functions learned anew."""
    found = zip(data, arrivals(data, weights), strict=True)
    rows = Rows.of(NODE_FEATURES, (nodes_of(one, came, weights) for one, came in found))
    best = rows.fitted(np.array([BY_HAND.get(name, 1.0) for name in NODE_FEATURES]), STEPS)
    return msgspec.structs.replace(weights, functions=dict(zip(NODE_FEATURES, map(float, best), strict=True)))


def varied(weights: Weights, chance: random.Random) -> Weights:
    """Weights of the spread near some others: about a third of them are changed."""

    def other(value: float, low: float, high: float) -> float:
        if chance.random() > 0.35:
            return value
        return min(high, max(low, value * float(np.exp(chance.gauss(0, 0.7)))))

    return msgspec.structs.replace(
        weights,
        ways={kind: Way(other(way.along, 0.01, 5), other(way.against, 0.01, 5)) for kind, way in weights.ways.items()},
        decay=other(weights.decay, 0.2, 0.95),
        hubs=other(weights.hubs, 0.05, 1.0),
        seeds={name: other(share, 0.01, 2) for name, share in weights.seeds.items()},
    )


def searched(data: Sequence[Prepared], weights: Weights, rounds: int) -> Weights:
    """The best weights of the spread that a random search finds."""
    chance = random.Random(7)
    weights, best = fit_files(data, weights)
    for step in range(rounds):
        candidate, loss = fit_files(data, varied(weights, chance), 60)
        if loss < best:
            weights, best = candidate, loss
            print(f"  {step}: {loss:.4f}", flush=True)
    return weights


KEEP = 1, 5, 10, 20


def recall(data: Sequence[Prepared], weights: Weights | None) -> dict[str, list[float]]:
    """The share of queries by whether their files, and functions, are among the first; None: by fusion."""
    at: dict[str, list[list[float]]] = {"files": [], "functions": []}
    for one, came in zip(data, arrivals(data, weights or START), strict=True):
        kept = np.flatnonzero(~one.is_test)
        if weights is None:
            scores, right = one.flat[kept], np.flatnonzero(np.isin(kept, one.files))
        else:
            matrix, right = files_of(one, came)
            scores = matrix @ np.array([weights.files[name] for name in FILE_FEATURES], np.float32)
        at["files"].append(_hits(scores, right))
        if weights is not None and weights.functions:
            matrix, right = nodes_of(one, came, weights)
            if len(right):
                at["functions"].append(
                    _hits(matrix @ np.array([weights.functions[name] for name in NODE_FEATURES], np.float32), right)
                )
    return {name: [round(float(one), 3) for one in np.mean(rows, axis=0)] for name, rows in at.items() if rows}


def rank_of_right(scores: NDArray[np.float32], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranks, from 0, of those that are right."""
    return np.flatnonzero(np.isin(np.argsort(-scores, kind="stable"), right))


def _hits(scores: NDArray[np.float32], right: NDArray[np.int64]) -> list[float]:
    ranks = rank_of_right(scores, right)
    return [float(np.mean(ranks < keep)) for keep in KEEP]


def gathered(repositories: Sequence[Path], most: int, keep: Path) -> list[Prepared]:
    """The queries of all repositories, from the folder `keep` where they were made before."""
    keep.mkdir(parents=True, exist_ok=True)
    data: list[Prepared] = []
    for repository in repositories:
        project = repository.parent.name if repository.name in ("repo", ".git") else repository.name
        made = keep / f"{project}-{most}.pickle"
        if not made.exists():
            with UserRepository.find(repository).open() as folder:
                trees = Trees(folder)
                found = list[Prepared]()
                for case in cases(repository, project, most):
                    with suppress(MissingObjectError):  # a mirror may lack some large files
                        found += prepared(case, trees)
            made.write_bytes(pickle.dumps(found))
        data += pickle.loads(made.read_bytes())
        print(f"{project}: {len(data)} queries so far", flush=True)
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--keep", type=Path, required=True)
    chosen = parser.parse_args()
    data = gathered(chosen.repositories, chosen.cases, chosen.keep)
    projects = sorted({one.project for one in data})
    half = {project for project in projects if zlib.crc32(project.encode()) % 2}
    weights = searched([one for one in data if one.project in half], START, chosen.rounds)
    for project in projects:
        others = [one for one in data if one.project != project]
        without = fit_nodes(others, fit_files(others, weights)[0])
        own = [one for one in data if one.project == project]
        print(f"{project} ({len(own)}): fusion {recall(own, None)} learned {recall(own, without)}", flush=True)
    weights = fit_nodes(data, fit_files(data, weights)[0])
    print(f"all: fusion {recall(data, None)} learned {recall(data, weights)}")
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")


if __name__ == "__main__":
    main()
