"""Policies: which place gets the next draw, by the allocation and by what it is compared with."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from benchmarks.allocation.pool import Draw
from benchmarks.allocation.scenes import Scene, Verdict
from hydranet.allocation import (
    BASE_PARAMETERS,
    DrawOutcome,
    StrategyState,
    choose_next,
    estimate_skill,
    measure_values,
)
from hydranet.strategy import Strategy, rank_strategies

KINDS = ("rewrite function", "boundary condition", "missing guard", "wrong expression", "missing case", "other")
"""The kinds of change that are tried one after the other at every place; what they are called does not matter."""

_ATTEMPTS_PER_BRANCH = 8
_TEMPLATES_FIRST = 3


class Policy(ABC):
    """A policy during one run. An attempt makes `samples` draws before it is tested.

    One that `scores` is told the convergence of each attempt; one that `reaps` never draws again at a dead place.
    """

    samples = 1
    scores = False
    reaps = False

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @abstractmethod
    def choose(self) -> int | None:
        """Return the place of the next attempt, None when nothing is left."""

    @abstractmethod
    def observe(self, place: int, draws: list[Draw], outcomes: list[DrawOutcome], verdict: Verdict) -> None:
        """Take what became of an attempt that has not passed."""


class Allocation(Policy):
    """The allocation by value, without the Reaper and its score."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._priors = {str(rank): prior for rank, prior in enumerate(scene.priors)}
        self._states = [
            StrategyState((str(rank),), estimate_skill(BASE_PARAMETERS, place.lines), _expect_cost(place.draws))
            for rank, place in enumerate(scene.places)
        ]
        self._dead: set[int] = set()
        self._current: int | None = None

    def choose(self) -> int | None:
        values = measure_values(self._priors, self._states)
        for place in self._dead:
            values[place] = 0.0
        self._current = choose_next(values, self._current)
        return self._current

    def observe(self, place: int, draws: list[Draw], outcomes: list[DrawOutcome], verdict: Verdict) -> None:  # noqa: ARG002
        state = self._states[place]
        for outcome in outcomes:
            state = replace(state, draws=state.draws.add(outcome))
        self._states[place] = replace(state, convergence=verdict.score)
        if self.reaps and verdict.dead:
            self._dead.add(place)


class ScoredAllocation(Allocation):
    """The allocation by value and convergence, without the Reaper."""

    scores = True


class ReapedAllocation(ScoredAllocation):
    """The allocation by value with the Reaper, which judges every draw."""

    reaps = True


class SampledAllocation(Allocation):
    """The allocation by value of attempts of four draws, as branches make them."""

    samples = 4


class ReapedSampledAllocation(ReapedAllocation):
    """The same with the Reaper, which judges the best of the four."""

    samples = 4


class Order(Policy):
    """Today's order: templates at the three best places, then what shares the least with all that was tried."""

    samples = 4
    scores = reaps = True

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._handed = [self._make_strategy(place, f"template {place}") for place in range(_TEMPLATES_FIRST)]
        self._kinds = iter(KINDS)
        self._pending: list[Strategy] = []
        self._current: int | None = None
        self._attempts = 0

    def choose(self) -> int | None:
        if self._current is None:
            if not self._pending:
                kind = next(self._kinds, None)
                # The prompt of strategies shows the places that retrieval ranks first.
                self._pending = [self._make_strategy(place, kind) for place in range(8)] if kind else []
            if not self._pending:
                return None
            self._pending = rank_strategies(self._pending, self._handed)
            strategy = self._pending.pop(0)
            self._handed.append(strategy)
            self._current, self._attempts = int(strategy.title), 0
        return self._current

    def observe(self, place: int, draws: list[Draw], outcomes: list[DrawOutcome], verdict: Verdict) -> None:  # noqa: ARG002
        self._attempts += 1
        if verdict.dead or self._attempts == _ATTEMPTS_PER_BRANCH:
            self._current = None

    def _make_strategy(self, place: int, kind: str) -> Strategy:
        file, symbol = self.scene.files[place]
        return Strategy(title=str(place), kind=kind, target_files=(file,), target_symbols=(symbol[:200],))


class Round(Policy):
    """Draws at each place in turn until a rule says that it is stuck, and from the first again after the last."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._place = 0
        self._steps: list[tuple[str, DrawOutcome | None]] = []

    def choose(self) -> int | None:
        return self._place

    def observe(self, place: int, draws: list[Draw], outcomes: list[DrawOutcome], verdict: Verdict) -> None:  # noqa: ARG002
        self._steps.append((draws[0].code.strip(), draws[0].outcome))
        if self._is_stuck():
            self._place = (place + 1) % len(self.scene.places)
            self._steps = []

    def _is_stuck(self) -> bool:
        return False


class FixedCap(Round):
    """Three attempts per place."""

    def _is_stuck(self) -> bool:
        return len(self._steps) == 3


class StopOnIdentical(Round):
    """Leave a place when an answer is one that was given there before."""

    def _is_stuck(self) -> bool:
        *earlier, last = [code for code, _ in self._steps]
        return last in earlier


class StuckDetector(Round):
    """The rules of OpenHands: four equal steps, three equal actions with errors, or six steps of two in turn.

    An action is an answer, an observation what became of it; an answer that cannot be applied is an error.
    """

    def _is_stuck(self) -> bool:
        steps = [(code, _describe(outcome)) for code, outcome in self._steps]
        if len(steps) >= 4 and len(set(steps[-4:])) == 1:
            return True
        if len(steps) >= 3 and len(set(steps[-3:])) == 1 and steps[-1][1] == "error":
            return True
        return len(steps) >= 6 and len(set(steps[-6::2])) == 1 and len(set(steps[-5::2])) == 1


class FirstPlace(Round):
    """Independent samples at the first place."""


class RightPlace(Policy):
    """The right places of the list in turn, as if they were known: what no allocation can pass."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._places = [index for index, place in enumerate(scene.places) if place.right]

    def choose(self) -> int | None:
        return self._places[0] if self._places else None

    def observe(self, place: int, draws: list[Draw], outcomes: list[DrawOutcome], verdict: Verdict) -> None:  # noqa: ARG002
        self._places = [*self._places[1:], place]


POLICIES: dict[str, Callable[[Scene], Policy]] = {
    "allocation": Allocation,
    "allocation, score": ScoredAllocation,
    "allocation, Reaper": ReapedAllocation,
    "allocation by four": SampledAllocation,
    "allocation by four, Reaper": ReapedSampledAllocation,
    "today's order": Order,
    "three per place": FixedCap,
    "stop on identical": StopOnIdentical,
    "OpenHands' rules": StuckDetector,
    "first place": FirstPlace,
    "right place known": RightPlace,
}
BASELINES = tuple(POLICIES)[5:10]


def _describe(outcome: DrawOutcome | None) -> str:
    return "error" if outcome is DrawOutcome.UNUSABLE else "tested"


def _expect_cost(draws: tuple[Draw, ...]) -> float:
    return sum(draw.tokens for draw in draws) / len(draws)
