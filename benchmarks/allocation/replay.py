"""Replays of policies over scenes, and what they tell: fixes within a budget of tokens, and false kills."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil, sqrt

from benchmarks.allocation.policies import Policy
from benchmarks.allocation.pool import Place
from benchmarks.allocation.scenes import ALIVE, Scene, estimate_priors

BUDGETS = (4_000, 8_000, 16_000, 32_000, 60_000)

_Z = 1.96
"""The half-width of a 95 % interval in standard errors."""


@dataclass(frozen=True)
class Visit:
    """A place that a run has drawn at: the tokens spent before, and the tokens and draw count when it was killed."""

    place: int
    began: int
    killed: int | None = None
    drawn: int = 0


@dataclass(frozen=True)
class Run:
    """One replay: the tokens at its fix, None without one, and the draws at right places.

    `false_kills` has for each budget the places killed by mistake, and those where a draw would have passed.
    """

    fixed: int | None
    right_draws: int
    false_kills: dict[int, tuple[int, int]] = field(default_factory=dict)

    def is_fixed(self, budget: int) -> bool:
        """Return whether the fix came within the budget."""
        return self.fixed is not None and self.fixed <= budget


def replay(policy: Policy, limit: int = BUDGETS[-1]) -> Run:
    """Replay a run to its fix, or until the next attempt would not fit into the limit."""
    scene, spent, right_draws = policy.scene, 0, 0
    numbers: dict[int, int] = {}
    visits: dict[int, Visit] = {}
    fixed: int | None = None
    while fixed is None and (place := policy.choose()) is not None:
        stream, attempt = scene.find_stream(place), numbers.get(place, 0)
        first = attempt * policy.samples
        draws = [stream.find_draw(number) for number in range(first, first + policy.samples)]
        if spent + sum(draw.tokens for draw in draws) > limit:
            break
        visits.setdefault(place, Visit(place, spent))
        numbers[place] = attempt + 1
        spent += sum(draw.tokens for draw in draws)
        right_draws += scene.places[place].right * len(draws)
        if any(draw.passes for draw in draws):
            fixed = spent
            continue
        outcomes = [outcome for number in range(first, first + policy.samples) if (outcome := stream.classify(number))]
        verdict = stream.judge(attempt, policy.samples) if policy.scores else ALIVE
        policy.observe(place, draws, outcomes, verdict)
        if policy.reaps and verdict.dead and visits[place].killed is None:
            visits[place] = Visit(place, visits[place].began, spent, first + policy.samples)
    return Run(fixed, right_draws, {budget: _count_false_kills(scene, visits, budget) for budget in BUDGETS})


def _count_false_kills(scene: Scene, visits: Mapping[int, Visit], budget: int) -> tuple[int, int]:
    """Return how many places were killed before a draw that would have passed within the budget, and how many pass.

    The draws of a place are followed from the first one as if the run had stayed.
    """
    wrong = passing = 0
    for visit in visits.values():
        if visit.began >= budget or not scene.places[visit.place].right:
            continue
        spent, stream = visit.began, scene.find_stream(visit.place)
        for number in count():
            draw = stream.find_draw(number)
            spent += draw.tokens
            if spent > budget:
                break
            if draw.passes:
                passing += 1
                wrong += visit.killed is not None and visit.killed <= budget and visit.drawn <= number
                break
    return wrong, passing


class Replays:
    """All replays of all policies: for each bug so many resampled pools, and for each of these so many runs."""

    def __init__(
        self,
        bugs: Mapping[str, Sequence[Place]],
        policies: Mapping[str, Callable[[Scene], Policy]],
        *,
        pools: int,
        runs: int,
        seed: int,
    ) -> None:
        self.bugs = [bug for bug, places in bugs.items() if any(place.right for place in places)]
        self.pools = pools
        self.rows: dict[str, dict[tuple[str, int], list[Run]]] = {name: {} for name in policies}
        for bug in self.bugs:
            priors = estimate_priors({name: bugs[name] for name in self.bugs}, bug)
            for pool in range(pools):
                for run in range(runs):
                    scene = Scene(bugs, bug, priors, f"{seed}/{bug}/{pool}", run)
                    for name, policy in policies.items():
                        self.rows[name].setdefault((bug, pool), []).append(replay(policy(scene)))

    def find_rates(self, name: str, budget: int) -> dict[str, list[float]]:
        """Return for each bug and each of its pools the share of runs that fix it."""
        rows = self.rows[name]
        return {
            bug: [
                sum(run.is_fixed(budget) for run in rows[bug, pool]) / len(rows[bug, pool])
                for pool in range(self.pools)
            ]
            for bug in self.bugs
        }

    def find_kill_rate(self, name: str, budget: int) -> tuple[int, int]:
        """Return the false kills, and the places where a draw would have passed within the budget."""
        kills = [run.false_kills[budget] for runs in self.rows[name].values() for run in runs]
        return sum(wrong for wrong, _ in kills), sum(passing for _, passing in kills)

    def count_seen(self, name: str) -> int:
        """Return the share in percent of runs that draw at a right place at least once."""
        runs = [run for runs in self.rows[name].values() for run in runs]
        return round(100 * sum(run.right_draws > 0 for run in runs) / len(runs))


def average(rates: Mapping[str, Sequence[float]]) -> float:
    """Return the mean over bugs of the mean over their pools."""
    return sum(sum(own) / len(own) for own in rates.values()) / len(rates)


def bootstrap(
    measured: Sequence[Mapping[str, Sequence[float]]], *, replicates: int, seed: int
) -> Iterator[tuple[float, ...]]:
    """Yield the means of resampled suites, the same resampling for all that is measured.

    A bug is the unit of resampling, since its draws resemble each other; each one chosen takes one of its pools.
    """
    rng = random.Random(seed)
    names = list(measured[0])
    for _ in range(replicates):
        chosen = [(bug, rng.randrange(len(measured[0][bug]))) for bug in rng.choices(names, k=len(names))]
        yield tuple(sum(rates[bug][pool] for bug, pool in chosen) / len(chosen) for rates in measured)


def find_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the middle 95 %."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[round(0.025 * last)], ordered[round(0.975 * last)]


def count_bugs_needed(rate: float, other: float) -> int | None:
    """Return the bugs, with one run of each, after which the intervals of two rates of fixes do not overlap."""
    if rate == other:
        return None
    deviations = sqrt(rate * (1 - rate)) + sqrt(other * (1 - other))
    return ceil((_Z * deviations / (rate - other)) ** 2)
