"""How likely each place is one that the fix changes: a conditional logit over the places of one failure.

McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974. One more choice is that the fix changes
none of these places. The weights are learned by benchmarks/place_weights.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import exp
from pathlib import Path

import msgspec

WEIGHTS = Path(__file__).with_name("place_weights.json")
NONE = "none"
"""The weight of the choice that the fix changes none of the places."""

# A feature that adds less than this to the logarithm of the odds is no reason.
_LEAST = 0.1
_REASONS = 4


@cache
def load_weights() -> Mapping[str, float]:
    """Return the weights that come with the package."""
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=dict[str, float])


def estimate(described: Sequence[Mapping[str, float]], weights: Mapping[str, float] | None = None) -> list[float]:
    """Return the probability of each place from its features; the rest up to 1 is that it is none of them."""
    weights = load_weights() if weights is None else weights
    utilities = [sum(weights.get(name, 0.0) * value for name, value in values.items()) for values in described]
    none = weights.get(NONE, 0.0)
    top = max([*utilities, none])
    shares = [exp(utility - top) for utility in utilities]
    total = sum(shares) + exp(none - top)
    return [share / total for share in shares]


def choose_reasons(values: Mapping[str, float], reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return the reasons that say most, strongest first; features with the same reason count together."""
    weights = load_weights()
    gains: dict[str, float] = {}
    for name, reason in reasons.items():
        gains[reason] = gains.get(reason, 0.0) + weights.get(name, 0.0) * values[name]
    ordered = sorted(gains, key=lambda reason: -gains[reason])
    return tuple(_keep_notable(ordered, gains))


def _keep_notable(ordered: list[str], gains: Mapping[str, float]) -> Iterable[str]:
    notable = [reason for reason in ordered if gains[reason] >= _LEAST]
    # A place without a strong reason is told with its best.
    return notable[:_REASONS] or ordered[:1]
