"""The constants of `hydranet.allocation`, fitted to a pool by maximum likelihood."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum, lgamma, log

from benchmarks.allocation.pool import Place
from hydranet.allocation import LONG_FUNCTION, DrawOutcome

_TELLING = (DrawOutcome.FAILS, DrawOutcome.UNCHANGED, DrawOutcome.UNUSABLE, DrawOutcome.PARTIAL)
_STRENGTHS = [step / 10 for step in range(2, 200)]


def describe_fit(places: Sequence[Place]) -> list[str]:
    """Return the fitted constants, a line each."""
    right, wrong = [place for place in places if place.right], [place for place in places if not place.right]
    passes = [(sum(draw.passes for draw in place.draws), len(place.draws)) for place in right]
    passed, drawn = sum(k for k, _ in passes), sum(n for _, n in passes)
    mean = passed / drawn
    strength = max(_STRENGTHS, key=lambda s: _beta_binomial(passes, mean, s))
    same = passed * log(mean) + (drawn - passed) * log(1 - mean)
    concentration = max(_STRENGTHS, key=lambda s: _dirichlet(right, s) + _dirichlet(wrong, s))
    long = [place for place in right if place.lines > LONG_FUNCTION]
    return [
        f"right places: {len(right)}, {drawn} draws, {passed} pass ({mean:.3f})",
        f"  of functions of more than {LONG_FUNCTION} lines {_count_passes(long)} of {sum(len(p.draws) for p in long)}",
        f"  Beta of strength {strength}: log-likelihood {_beta_binomial(passes, mean, strength):.1f}, "
        f"one probability for all: {same:.1f}",
        f"  shares of failed draws: {_format(right)}",
        f"other places: {len(wrong)}, {sum(len(p.draws) for p in wrong)} draws, {_count_passes(wrong)} pass",
        f"  shares of failed draws: {_format(wrong)}",
        f"concentration of outcomes: {concentration}",
    ]


def _count_passes(places: Iterable[Place]) -> int:
    return sum(draw.passes for place in places for draw in place.draws)


def _count(places: Iterable[Place]) -> Counter[DrawOutcome]:
    return Counter(draw.outcome for place in places for draw in place.draws if draw.outcome)


def _share(places: Sequence[Place]) -> list[float]:
    counts = _count(places)
    return [(counts[outcome] + 0.5) / (counts.total() + 0.5 * len(_TELLING)) for outcome in _TELLING]


def _format(places: Sequence[Place]) -> str:
    return ", ".join(f"{outcome} {share:.4f}" for outcome, share in zip(_TELLING, _share(places), strict=True))


def _beta_binomial(passes: Iterable[tuple[int, int]], mean: float, strength: float) -> float:
    a, b = mean * strength, (1 - mean) * strength
    return fsum(
        lgamma(a + k) - lgamma(a) + lgamma(b + n - k) - lgamma(b) + lgamma(strength) - lgamma(strength + n)
        for k, n in passes
    )


def _dirichlet(places: Sequence[Place], concentration: float) -> float:
    knowns = [concentration * share for share in _share(places)]
    total = 0.0
    for place in places:
        counts = _count([place])
        total += lgamma(concentration) - lgamma(concentration + counts.total())
        for known, outcome in zip(knowns, _TELLING, strict=True):
            total += lgamma(known + counts[outcome]) - lgamma(known)
    return total
