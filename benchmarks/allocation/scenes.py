"""Scenes: what a run meets at each rank of its list of places, drawn from the pool."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import log

from benchmarks.allocation.pool import Draw, Place
from hydranet.allocation import DrawOutcome
from hydranet.convergence import reaper
from hydranet.convergence.score import Attempt, score_attempt
from hydranet.run_settings import ConvergenceSettings

KNOWN_RANKS = 8
"""The ranks that the pool has draws for."""

PLACES = 30
"""How many places the list of a run has."""

LAST_RANK = 60
"""The pool does not tell which rank the other right places have: 9 to 60, each with a chance like 1 / rank."""

_SETTINGS = ConvergenceSettings()
_BINS = ((1, 1), (2, 3), (4, KNOWN_RANKS))
_BEST_FIRST = (None, DrawOutcome.PARTIAL, DrawOutcome.FAILS, DrawOutcome.UNCHANGED, DrawOutcome.UNUSABLE)


@dataclass(frozen=True)
class Verdict:
    """The convergence of one attempt at a place, and whether the Reaper ends its branch."""

    score: float
    dead: bool


ALIVE = Verdict(0.0, dead=False)


@dataclass
class Stream:
    """The draws that a run makes at one place, one after the other, without end."""

    place: Place
    rng: random.Random
    drawn: list[int] = field(default_factory=list)
    _sample: list[int] = field(default_factory=list)
    _verdicts: dict[tuple[int, int], Verdict] = field(default_factory=dict)

    def find_draw(self, number: int) -> Draw:
        """Return draw `number`, counted from 0: the sample in an order of chance, and again in another one."""
        while len(self.drawn) <= number:
            order = list(self._sample)
            self.rng.shuffle(order)
            self.drawn += order
        return self.place.draws[self.drawn[number]]

    def resample(self, rng: random.Random) -> "Stream":
        """Take a bootstrap sample of the place's draws for what can be drawn."""
        self._sample = rng.choices(range(len(self.place.draws)), k=len(self.place.draws))
        return self

    def classify(self, number: int) -> DrawOutcome | None:
        """Return what becomes of draw `number`, a changed program that was tested before being a repetition."""
        draw = self.find_draw(number)
        if draw.outcome in (DrawOutcome.FAILS, DrawOutcome.UNUSABLE):
            own = self.drawn[number]
            earlier = {self.place.draws[index].code for index in self.drawn[:number] if index != own}
            if draw.code in earlier:
                return DrawOutcome.REPEATS
        return draw.outcome

    def judge(self, number: int, size: int) -> Verdict:
        """Return the verdict on attempt `number`, each attempt being the best of `size` draws."""
        if (number, size) not in self._verdicts:
            # An answer that was drawn from the sample before is no evidence of circling, but of a small pool.
            own = self._best(number, size)
            memory = _SETTINGS.window + 1
            indices = [self._best(earlier, size) for earlier in range(max(0, number - memory), number)]
            attempts: list[Attempt] = [self.place.draws[index].facts for index in indices if index != own]
            attempts.append(self.place.draws[own].facts)
            score = score_attempt(attempts, _SETTINGS)
            self._verdicts[number, size] = Verdict(score.value, reaper.judge(attempts, score, _SETTINGS) is not None)
        return self._verdicts[number, size]

    def _best(self, number: int, size: int) -> int:
        self.find_draw(number * size + size - 1)
        indices = self.drawn[number * size : (number + 1) * size]
        return min(indices, key=lambda index: _BEST_FIRST.index(self.place.draws[index].outcome))


class Scene:
    """A run's list of places for one bug, best first, with their prior probabilities and streams of draws."""

    def __init__(self, bugs: Mapping[str, Sequence[Place]], bug: str, priors: list[float], seed: str, run: int) -> None:
        self.priors = priors
        self._seed, self._run = seed, run
        rng = random.Random(f"{seed}/{run}")
        by_rank = {place.rank: place for place in bugs[bug] if place.rank is not None}
        for place in bugs[bug]:
            if place.rank is None and (rank := _draw_rank(rng, by_rank)) <= PLACES:
                by_rank[rank] = place
        others = [place for own in bugs.values() for place in own if place.bug != bug and not place.right]
        self.places = [by_rank.get(rank) or rng.choice(others) for rank in range(1, PLACES + 1)]
        self._streams: dict[int, Stream] = {}

    def find_stream(self, index: int) -> Stream:
        """Return the draws at the place with this index in the list, the same ones for every allocation."""
        if index not in self._streams:
            place = self.places[index]
            # The sample is that of all runs with this seed, the order is the run's own.
            stream = Stream(place, random.Random(f"{self._seed}/{self._run}/{index}"))
            self._streams[index] = stream.resample(random.Random(f"{self._seed}/{place.name}"))
        return self._streams[index]

    @cached_property
    def files(self) -> list[tuple[str, str]]:
        """The file and symbol of each place."""
        return [(name[1], name[2]) for name in (place.name.split("|") for place in self.places)]


def estimate_priors(bugs: Mapping[str, Sequence[Place]], bug: str) -> list[float]:
    """Return the probability that the fix is at each rank, from the first right ranks of all other bugs."""
    ranks = [
        min((place.rank for place in places if place.right and place.rank), default=None)
        for name, places in bugs.items()
        if name != bug
    ]
    counts = [sum(low <= rank <= high for rank in ranks if rank) + 0.5 for low, high in _BINS]
    beyond = sum(rank is None for rank in ranks) + 0.5
    total = sum(counts) + beyond
    priors = [
        count / total / (high - low + 1)
        for count, (low, high) in zip(counts, _BINS, strict=True)
        for _ in range(low, high + 1)
    ]
    weight = log(LAST_RANK / KNOWN_RANKS)
    return priors + [
        beyond / total * log((rank + 0.5) / (rank - 0.5)) / weight for rank in range(KNOWN_RANKS + 1, PLACES + 1)
    ]


def _draw_rank(rng: random.Random, taken: Mapping[int, Place]) -> int:
    ranks = [rank for rank in range(KNOWN_RANKS + 1, LAST_RANK + 1) if rank not in taken]
    return rng.choices(ranks, cum_weights=list(accumulate(1 / rank for rank in ranks)))[0]
