"""Allocation: which strategy gets the next draw.

    value of the next draw = P(right | all draws) * P(pass | right, failed draws) * (1 - w * convergence) / cost

in fixes per token. Each place of a run, and "none of these", is a hypothesis. Exactly one holds, so that failed draws
at one place raise the others (Bayes). The evidence of a strategy whose draws have failed n times is

    P(n fail | right) * P(outcomes | right) / P(outcomes | wrong)

The skill, P(pass | right), differs from bug to bug: it has a Beta distribution, so that n draws all fail with
probability B(a, b + n) / B(a, b), and the next one passes with a / (a + b + n). Outcomes of failed draws at one place
resemble each other: their counts have Dirichlet-multinomial distributions, under which a third unchanged answer says
less than the first.

The constants come from 1,178 tested draws of Qwen2.5-Coder-1.5B-Instruct for 24 bugs of Flask, marshmallow, requests
and Sphinx: 458 at 29 right places, 720 at 120 other places that retrieval had ranked among the first eight.
`benchmarks/allocation` fits them again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from math import exp, fsum, lgamma, log

from hydranet.bounded_models import BoundedModel, Name

RIGHT_OUTCOMES, WRONG_OUTCOMES = (0.6016, 0.3002, 0.0815, 0.0167), (0.4024, 0.5478, 0.0492, 0.0006)
"""The shares of failed draws that fail, change nothing, are unusable and pass in part: at right places 269, 134, 36 and
7 of 446, at wrong ones 290, 395, 35 and 0 of 720, each count raised by 0.5."""

CONCENTRATION = 2.3
"""How alike the draws at one place are, by maximum likelihood: their shares are known as if from that many draws. With
each bug left out in turn, six draws a place tell right ones from others by about 7 in log-likelihood. Draws taken as
independent do 7 worse than no draws at all."""

BASE_MEAN, BASE_PARAMETERS = 0.026, 1.5
"""The share of the 458 draws at right places that pass, 12, and the billions of parameters of their model."""

SKILL_STRENGTH = 3.0
"""a + b of the Beta, by maximum likelihood over the 29 right places (over their 20 bugs 5.6). It fits better than one
probability for all places by 12.5 in log-likelihood: 4 places have the 12 passing draws."""

SIZE_POWER = 0.8
"""How the odds of a pass grow with the number of parameters: on QuixBugs a 0.5B model fixes 6 of 20 at its first
attempt, a 1.5B model 10. No model above 1.5B has been measured."""

LONG_FUNCTION, LONG_FACTOR = 40, 0.5
"""Beyond so many lines 0 of 106 draws pass, 12 of 352 below; half is a cautious estimate of so few."""

RECORD_WEIGHT = 100.0
"""The draws that a prior skill counts as beside a node's own record, about five times as many independent ones."""

CIRCLING_WEIGHT = 0.2
"""How much of a next draw's value circling takes away (w). In the pool 47 % of the draws that follow a score above the
Reaper's threshold are new and change something, 63 % after scores of 0.5 to 0.7 and 58 % after a first draw. Passing
draws follow a high score no less often: the draws know nothing of each other. So the score counts for little."""

TOKENS_PER_SECOND = 20.0
"""What a second of tests costs: a 1.5B model on two cores takes five hours for 24 runs of 16,000 tokens."""

HYSTERESIS = 0.2
"""By how much more another draw has to be worth before the current strategy is left: a change of strategies costs a
prompt that nothing has read yet, and values this close are not told apart by their estimates."""

LEAST_NONE = 0.02
"""The least probability that no place of the list is right."""

USUAL_PARAMETERS = 7.0
"""The billions of parameters of a model whose name does not tell them."""

_BILLIONS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b\b", re.IGNORECASE)


class DrawOutcome(StrEnum):
    """What became of a draw that has not passed.

    One that repeats an earlier changed draw tells only that it failed: of the changed draws among the first six 17 of
    121 repeat at right places, 45 of 325 at others.
    """

    FAILS = "fails"
    UNCHANGED = "unchanged"
    UNUSABLE = "unusable"
    PARTIAL = "partial"
    REPEATS = "repeats"


class Draws(BoundedModel):
    """The draws of a strategy so far, by outcome. A batch of template candidates counts as one of `repeats`."""

    fails: int = 0
    unchanged: int = 0
    unusable: int = 0
    partial: int = 0
    repeats: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return self.fails + self.unchanged + self.unusable + self.partial + self.repeats

    def add(self, outcome: DrawOutcome) -> "Draws":
        """Return the draws with one more."""
        return self.model_copy(update={outcome.value: getattr(self, outcome.value) + 1})

    def __add__(self, other: "Draws") -> "Draws":
        return Draws(**{name: count + getattr(other, name) for name, count in self})


NO_DRAWS = Draws()


@dataclass(frozen=True)
class Skill:
    """P(a draw passes | its place is right), a Beta distribution: its mean, and as how many draws it counts."""

    mean: float
    strength: float = SKILL_STRENGTH

    def __post_init__(self) -> None:
        if not (0 < self.mean < 1 and self.strength > 0):
            raise ValueError("a skill has a mean between 0 and 1 and a positive strength")

    def predict(self, failed: int) -> float:
        """Return the probability that the next draw passes after so many that failed: a / (a + b + failed)."""
        return self.mean * self.strength / (self.strength + failed)

    def log_failure(self, failed: int) -> float:
        """Return the logarithm of the probability that so many draws all fail: B(a, b + failed) / B(a, b)."""
        rest = (1 - self.mean) * self.strength
        return lgamma(rest + failed) - lgamma(rest) + lgamma(self.strength) - lgamma(self.strength + failed)


TEMPLATE_SKILL = Skill(0.2)
"""The skill of a family of templates: of five traced runs in which templates looked at the right function they fixed
one. Its strength is that of a model."""


class SkillRecord(BoundedModel):
    """The draws at right places that a node's own runs have made with one model and edit form.

    The failed ones count by how probable it is that their place was right.
    """

    model: Name
    form: Name
    long: bool = False
    passed: int = 0
    failed: float = 0.0


@dataclass(frozen=True)
class StrategyState:
    """What the allocation knows of a strategy.

    `cost` is what its next draw takes in tokens, with what has to be planned first; `convergence` is the score of
    its last attempt.
    """

    places: tuple[str, ...]
    skill: Skill
    cost: float
    draws: Draws = NO_DRAWS
    convergence: float = 0.0


def find_parameters(model: str) -> float | None:
    """Return how many billion parameters a model has by its name, such as `ollama:qwen2.5-coder:7b`; None if unsaid."""
    size = _BILLIONS.search(model.rpartition("#")[2])
    return float(size[1]) if size else None


def is_long(lines: int) -> bool:
    """Return whether a function of so many lines counts as long."""
    return lines > LONG_FUNCTION


def estimate_skill(parameters: float, lines: int = 1) -> Skill:
    """Return the prior skill of a model of so many billion parameters at a place of so many lines."""
    odds = BASE_MEAN / (1 - BASE_MEAN) * (parameters / BASE_PARAMETERS) ** SIZE_POWER
    mean = odds / (1 + odds)
    return Skill(mean * LONG_FACTOR if is_long(lines) else mean)


def learn_skill(prior: Skill, records: Iterable[SkillRecord]) -> Skill:
    """Return the skill after what is on record; how much bugs differ stays as it is."""
    passed = failed = 0.0
    for record in records:
        passed, failed = passed + record.passed, failed + record.failed
    return replace(prior, mean=(RECORD_WEIGHT * prior.mean + passed) / (RECORD_WEIGHT + passed + failed))


def update_places(priors: Mapping[str, float], strategies: Sequence[StrategyState]) -> dict[str, float]:
    """Return the probability of each place after all draws; what is missing to 1 is that of none of them."""
    total = fsum(priors.values())
    scale = min(1.0, (1 - LEAST_NONE) / total) if total else 1.0
    logs = {place: log(prior * scale) for place, prior in priors.items() if prior > 0}
    for strategy in strategies:
        if strategy.draws.count:
            evidence = _weigh_evidence(strategy.skill, strategy.draws)
            for place in set(strategy.places) & logs.keys():
                logs[place] += evidence
    none = log(1 - total * scale)
    highest = max(none, *logs.values()) if logs else none
    weights = {place: exp(value - highest) for place, value in logs.items()}
    everything = fsum(weights.values()) + exp(none - highest)
    return {place: weights.get(place, 0.0) / everything for place in priors}


def measure_values(priors: Mapping[str, float], strategies: Sequence[StrategyState]) -> list[float]:
    """Return what the next draw of each strategy is worth, in fixes per token."""
    right = update_places(priors, strategies)
    return [
        fsum(right.get(place, 0.0) for place in dict.fromkeys(strategy.places))
        * strategy.skill.predict(strategy.draws.count)
        * (1 - CIRCLING_WEIGHT * strategy.convergence)
        / max(strategy.cost, 1.0)
        for strategy in strategies
    ]


def choose_next(values: Sequence[float], current: int | None = None) -> int | None:
    """Return the index of the strategy that gets the next draw, None when no draw is worth anything.

    The current strategy goes on unless another draw is worth `HYSTERESIS` more; of equals the first is chosen.
    """
    best = max(range(len(values)), key=lambda index: values[index], default=None)
    if best is None or values[best] <= 0:
        return None
    if current is not None and values[best] <= values[current] * (1 + HYSTERESIS):
        return current
    return best


def explain_suspension(own: float | None, other: float) -> str:
    """Return the sentence that stays on record of a suspended branch, of two values; None is one of no account."""
    unit, better = "fixes per million tokens", _per_million(other)
    if own is None:
        return f"Its next draw is worth too little for its time, another strategy's {better} {unit}."
    return f"Its next draw is worth {_per_million(own)} {unit}, another strategy's {better}."


def _per_million(value: float) -> str:
    millions = value * 1e6
    return f"{millions:.0f}" if millions >= 10 else f"{millions:.2g}"


def count_right_failures(
    priors: Mapping[str, float], strategies: Sequence[StrategyState], fixed: str | None = None
) -> list[float]:
    """Return how many failed draws of each strategy were made at a right place, for the node's record.

    The right place of a run with a fix is where it was `fixed`; else each draw counts by how probable its place is.
    """
    right = update_places(priors, strategies) if fixed is None else {fixed: 1.0}
    return [fsum(right.get(place, 0.0) for place in set(s.places)) * s.draws.count for s in strategies]


@lru_cache(maxsize=4096)
def _weigh_evidence(skill: Skill, draws: Draws) -> float:
    """The logarithm of P(draws | right) / P(draws | wrong); at wrong places none of 720 draws passes."""
    telling = (draws.fails, draws.unchanged, draws.unusable, draws.partial)
    ratio = _log_likelihood(telling, RIGHT_OUTCOMES) - _log_likelihood(telling, WRONG_OUTCOMES)
    return ratio + skill.log_failure(draws.count)


def _log_likelihood(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Leave out what depends on the number of draws alone, which is the same at all places."""
    knowns = [CONCENTRATION * share for share in shares]
    return fsum(lgamma(known + count) - lgamma(known) for known, count in zip(knowns, counts, strict=True))
