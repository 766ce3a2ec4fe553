"""Recall: how much of what was to be found is among the first that were found, and how sure the figure is."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

KEEP = (1, 5, 10, 20)
"""The numbers of places at which recall is told."""

_RESAMPLES = 2000

Ranks = Mapping[str, int | None]
"""The place, from 1, of each thing that was to be found; None where it was not found at all."""


@dataclass(frozen=True)
class Share:
    """A mean share with its 95 % interval, by the percentile bootstrap over instances."""

    mean: float
    low: float
    high: float


def measure_recall(ranks: Ranks, keep: int) -> float:
    """The share of what was to be found that is among the first `keep`."""
    return mean(float(rank is not None and rank <= keep) for rank in ranks.values())


def estimate_share(values: Sequence[float]) -> Share:
    """The mean of the instances' values; of none it is 0."""
    if not values:
        return Share(0.0, 0.0, 0.0)
    chance = random.Random(0)  # noqa: S311
    means = sorted(mean(chance.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = means[round(0.025 * _RESAMPLES)], means[round(0.975 * _RESAMPLES) - 1]
    return Share(round(mean(values), 4), round(low, 4), round(high, 4))


def estimate_difference(ours: Sequence[float], theirs: Sequence[float]) -> Share:
    """How much more we found than they did, instance by instance: below zero where it is less."""
    return estimate_share([one - other for one, other in zip(ours, theirs, strict=True)])
