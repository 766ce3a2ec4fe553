"""Learns how likely a place is the cause, from bugs whose tests were run, and says how well that holds.

Run with `python -m benchmarks.place_weights --keep FOLDER --learn SUITE... --synthetic SUITE... --check SUITE...`.
FOLDER has what `place_bugs` kept of each suite, in a folder of the suite's name. The weights are those of a conditional
logit over the places of each bug and the choice "none of these" (activities/localisation/probability.py). A bug counts
twice: with coverage, and a little without. Seeded bugs count less than bugs of real projects.

It prints the ranks of the right place and the table of calibration, on bugs of projects left out of learning, and on
the suites to check, of which nothing is learned. With --write the weights go to place_weights.json.
"""

import argparse
import hashlib
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from activities.localisation import evidence, features, probability, regions
from activities.localisation.probability import NONE, estimate
from activities.localisation.ranking import measure_candidates
from benchmarks import run
from benchmarks.place_bugs import Bug, load_bugs

# What may only speak against a place, and what may do either; everything else may only speak for it.
_AGAINST = {"passing", "passing_share", "unexecuted", "aside"}
_EITHER = {"logic", "size", "module", "class", NONE}

_SYNTHETIC = 0.25
_WITHOUT_COVERAGE = 0.3
_STEPS, _RATE, _RIDGE = 200, 0.1, 0.006
# What is believed of the strongest evidence before anything is learned: a few dozen bugs say little of what is rare.
_PRIOR = {
    **{"frame": 1.0, "innermost": 0.3, "coverage": 0.5, "exclusive": 0.5, "predicate": 1.0, "value": 0.5},
    **{"named": 0.5, "named_as_code": 0.3, "named_fully": 0.5, "called": 0.3, "quoted": 0.3, "passing": -0.5},
    **{"retrieved_log": 1.0, "retrieved_inverse": 0.5, "relevance": 0.5},
}
_BUCKETS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.01)
_AT = (1, 3, 5, 10)


@dataclass(frozen=True)
class Choice:
    """The places of one bug, as features, and which of them the fix changed; `weight` says how much it counts."""

    bug: str
    project: str
    weight: float
    with_coverage: bool
    places: tuple[str, ...]
    described: list[dict[str, float]]
    right: tuple[int, ...]


async def describe(bug: Bug, *, with_coverage: bool) -> Choice:
    """Return a bug as a choice among its places."""
    clues, sources = await bug.read(with_coverage=with_coverage)
    measured, others = measure_candidates(sources, clues)
    named = [f"{item.region.source.path}:{item.region.symbol}" for item in measured]
    named += [f"{place.file}:{place.symbol}" for place, _ in others]
    described = [*(item.description.values for item in measured), *(item.values for _, item in others)]
    wanted = set(bug.instance.gold_symbols)
    right = tuple(index for index, name in enumerate(named) if name in wanted)
    return Choice(bug.instance.id, bug.project, 1.0, with_coverage, tuple(named), described, right)


async def gather(suites: Iterable[Path], keep: Path, weight: float) -> list[Choice]:
    """Return the choices of some suites; features are kept until the code that makes them changes."""
    choices: list[Choice] = []
    code = _read_code()
    for suite in suites:
        for bug in load_bugs(suite, keep / suite.name):
            for with_coverage in (True, False):
                key = hashlib.sha256(code + f"{suite.name}{bug.instance.id}{with_coverage}".encode()).hexdigest()[:20]
                path = keep / "features" / key
                if not path.exists():
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(pickle.dumps(await describe(bug, with_coverage=with_coverage)))
                choices.append(replace(pickle.loads(path.read_bytes()), weight=_weigh(weight, with_coverage)))
    return choices


def _weigh(weight: float, with_coverage: bool) -> float:
    return weight if with_coverage else weight * _WITHOUT_COVERAGE


def _read_code() -> bytes:
    return b"".join(Path(str(module.__file__)).read_bytes() for module in (evidence, features, regions))


class Learner:
    """Learns the weights of least loss: the negative logarithm of the probability that a right place is chosen."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.names = sorted({name for choice in choices for values in choice.described for name in values} | {NONE})
        index = {name: at for at, name in enumerate(self.names)}
        self._rows: list[tuple[NDArray[np.float64], list[int], float]] = []
        for choice in choices:
            matrix = np.zeros((len(choice.described) + 1, len(self.names)))
            for row, values in enumerate(choice.described):
                for name, value in values.items():
                    matrix[row, index[name]] = value
            matrix[-1, index[NONE]] = 1.0
            self._rows.append((matrix, list(choice.right) or [len(choice.described)], choice.weight))
        self._prior = np.array([_PRIOR.get(name, 0.0) for name in self.names])
        self._least = np.array([-np.inf if name in _AGAINST | _EITHER else 0.0 for name in self.names])
        self._most = np.array([0.0 if name in _AGAINST else np.inf for name in self.names])

    def fit(self) -> dict[str, float]:
        """Return the weights, by Adam with each weight held to its sign (Kingma and Ba, 2015)."""
        weights = self._prior.copy()
        mean, square = np.zeros_like(weights), np.zeros_like(weights)
        for step in range(1, _STEPS + 1):
            gradient = self._slope(weights)
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
            weights -= _RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
            weights = np.clip(weights, self._least, self._most)
        return {name: round(float(weight), 4) for name, weight in zip(self.names, weights, strict=True) if weight}

    def _slope(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        slope, total = np.zeros_like(weights), 0.0
        for matrix, right, weight in self._rows:
            utilities = matrix @ weights
            shares = np.exp(utilities - utilities.max())
            shares /= shares.sum()
            chosen = shares[right] / max(shares[right].sum(), 1e-300)
            slope += weight * (matrix.T @ shares - matrix[right].T @ chosen)
            total += weight
        return np.asarray(slope / total + 2 * _RIDGE * (weights - self._prior))


def leave_out(choices: Sequence[Choice]) -> list[tuple[Choice, list[float]]]:
    """Return the real bugs with probabilities that were learned without their project."""
    judged: list[tuple[Choice, list[float]]] = []
    for project in sorted({choice.project for choice in choices if choice.weight == 1.0}):
        weights = Learner([choice for choice in choices if choice.project != project]).fit()
        own = [choice for choice in choices if choice.project == project]
        judged += [(choice, estimate(choice.described, weights)) for choice in own]
    return judged


def rank(choice: Choice, chances: Sequence[float]) -> int | None:
    """Return the rank of the first right place, from 1."""
    order = sorted(range(len(chances)), key=lambda index: (-chances[index], choice.places[index]))
    return next((place for place, index in enumerate(order, start=1) if index in choice.right), None)


def tell(title: str, judged: Sequence[tuple[Choice, list[float]]]) -> None:
    """Print the ranks and the calibration of some bugs."""
    ranks = [rank(choice, chances) for choice, chances in judged]
    shares = ", ".join(f"{sum(place is not None and place <= at for place in ranks)}" for at in _AT)
    missing = sum(place is None for place in ranks)
    losses = [-log(sum(chances[at] for at in choice.right) or 1 - sum(chances)) for choice, chances in judged]
    print(f"{title}: mean loss {sum(losses) / max(len(losses), 1):.3f}; the first right place among the first", end=" ")
    print(f"{', '.join(map(str, _AT))}: {shares} of {len(ranks)}; {missing} absent", flush=True)
    pairs = [(chance, index in choice.right) for choice, chances in judged for index, chance in enumerate(chances)]
    for low, high in pairwise(_BUCKETS):
        inside = [(chance, right) for chance, right in pairs if low <= chance < high]
        if inside:
            mean = sum(chance for chance, _ in inside) / len(inside)
            share = sum(right for _, right in inside) / len(inside)
            print(f"  {low:.2f} to {min(high, 1):.2f}: {len(inside):6} places, given {mean:.3f}, right {share:.3f}")


async def main() -> None:
    """Learn, check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    for name in ("learn", "synthetic", "check"):
        parser.add_argument(f"--{name}", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    real = await gather(given.learn, given.keep, 1.0)
    synthetic = await gather(given.synthetic, given.keep, _SYNTHETIC)
    learned = [*real, *synthetic]
    for with_coverage in (True, False):
        kind = "with coverage" if with_coverage else "without coverage"
        judged = [pair for pair in leave_out(learned) if pair[0].with_coverage is with_coverage]
        tell(f"left out, {kind}", judged)
    weights = Learner(learned).fit()
    for suite in (*given.synthetic, *given.check):
        choices = [choice for choice in await gather([suite], given.keep, 1.0) if choice.with_coverage]
        judged = [(choice, estimate(choice.described, weights)) for choice in choices]
        tell(suite.name, judged)
        for choice, chances in judged:
            best = max((chances[index] for index in choice.right), default=0.0)
            print(f"  {rank(choice, chances) or '-':>4}  {best:.3f}  {choice.bug}")
    print(msgspec.json.format(msgspec.json.encode(weights), indent=1).decode())
    if given.write:
        probability.WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")


if __name__ == "__main__":
    run(main)
