"""Valuation: what the next draws of a run are worth, by its record, its places and the skill of its model."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hydranet.allocation import (
    TEMPLATE_SKILL,
    TOKENS_PER_SECOND,
    USUAL_PARAMETERS,
    Skill,
    SkillRecord,
    StrategyState,
    count_right_failures,
    estimate_skill,
    find_parameters,
    is_long,
    learn_skill,
    measure_values,
)
from hydranet.contracts.retrieval import Place
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy
from hydranet.strategy import MODULE_LEVEL, TEMPLATES, Strategy
from hydranet.text.code_names import PATH, find_named_symbols

UNLISTED = 0.01
"""How likely a place is that a model names beside the list: more than nothing, since it has read the issue."""

NAMED = 0.5
"""How likely a place is, at least, that a person names."""

LEAST_CHANCE = 1.5e-4
"""A batch of template candidates that has less than this chance of the fix is not tried: one in 6,700.

How long it takes is no reason, since a busy machine takes longer: the budget limits the time, and a model's tokens.
"""

_USUAL_LINES = 30
# Tokens of a draw: the issue, the failing test and what is asked; then lines that are read and written, of a long
# function only some.
_PROMPT_TOKENS, _TOKENS_PER_LINE, _MOST_LINES = 600.0, 12.0, 60
# Seconds of a batch of templates: a multiple of those of the tests at the base, within bounds.
_BATCH_FACTOR, _LEAST_BATCH, _LONGEST_BATCH = 2.0, 5.0, 600.0
# As many tokens and seconds as the first estimates of a model's price and speed count for.
_PRIOR_TOKENS, _PRIOR_SECONDS = 4000.0, 60.0


@dataclass(frozen=True)
class Offer:
    """A draw that may be next, and its value in fixes per token.

    It is that of a branch that waits, by its number; of a new strategy; or of what a source has not proposed yet, by
    its model.
    """

    value: float
    branch: int | None = None
    strategy: Strategy | None = None
    source: str | None = None


class Valuation:
    """What is known of the worth of a run's draws before any is made.

    `places` are likeliest first, `records` those of the run's model; the tests at the base took `baseline_seconds`.
    """

    def __init__(
        self, model: str, places: Iterable[Place], records: Iterable[SkillRecord], baseline_seconds: float
    ) -> None:
        self._model = model
        self._places = {_name(place.file, place.symbol): place for place in places}
        self._records = tuple(records)
        self._baseline_seconds = baseline_seconds

    def list_offers(
        self,
        genealogy: Genealogy,
        waiting: Iterable[int],
        proposed: Sequence[Strategy],
        sources: Sequence[str],
        instruction: str = "",
    ) -> list[Offer]:
        """Return the draws that may be next, without those that are worth too little.

        `waiting` are the numbers of branches, `proposed` the strategies that have no branch yet, and `sources` the
        models that can be asked for more. An `instruction` of a person makes the places likely that it names,
        and so does a suggestion.
        """
        prices = _Prices(genealogy, self)
        imagined = [self._imagine(source) for source in sources]
        states = [
            *(self._describe_branch(branch, prices) for branch in genealogy.branches),
            *(self._describe(strategy, prices) for strategy in (*proposed, *imagined)),
        ]
        suggested = [strategy for strategy in (*_list_strategies(genealogy), *proposed) if strategy.suggested_by]
        named = {place for strategy in suggested for place in self._name_places(strategy)}
        values = measure_values(self._weigh_places(states, instruction, named), states)
        numbers = dict(zip((branch.number for branch in genealogy.branches), values, strict=False))
        new, unknown = values[len(numbers) : len(numbers) + len(proposed)], values[len(values) - len(sources) :]
        strategies = {branch.number: branch.strategy for branch in genealogy.branches}
        offers = [
            *((strategies[number], Offer(numbers[number], branch=number)) for number in sorted(waiting)),
            *((plan, Offer(value, strategy=plan)) for plan, value in zip(proposed, new, strict=True)),
            *(
                (plan, Offer(value, source=source))
                for plan, source, value in zip(imagined, sources, unknown, strict=True)
            ),
        ]
        least = LEAST_CHANCE / prices.batch
        return [offer for plan, offer in offers if offer.value > (least if self.is_of_templates(plan) else 0)]

    def count_skill(self, genealogy: Genealogy) -> list[SkillRecord]:
        """Return the draws of the run's model at right places, by the edit form and the size of the place."""
        prices = _Prices(genealogy, self)
        states = [self._describe_branch(branch, prices) for branch in genealogy.branches]
        winner = next((branch for branch in genealogy.branches if branch.ending is Ending.PASSED), None)
        fixed = next(self._name_places(winner.strategy), None) if winner else None
        failures = count_right_failures(self._weigh_places(states, ""), states, fixed)
        return [
            SkillRecord(
                model=self._model,
                form=branch.attempts[0].prompt.partition("@")[0],
                long=is_long(self.count_lines(branch.strategy)),
                passed=int(branch is winner),
                failed=failed,
            )
            for branch, failed in zip(genealogy.branches, failures, strict=True)
            if branch.attempts and not self.is_of_templates(branch.strategy)
        ]

    def is_of_templates(self, strategy: Strategy) -> bool:
        """Return whether repair templates pursue a strategy."""
        return (strategy.model or self._model) == TEMPLATES

    def count_lines(self, strategy: Strategy) -> int:
        """Return how many lines a strategy's places have."""
        places = [self._places[name] for name in self._name_places(strategy) if name in self._places]
        return sum(place.last_line - place.first_line + 1 for place in places) or _USUAL_LINES

    @property
    def batch_seconds(self) -> float:
        """How long a batch of template candidates is expected to take."""
        return min(max(_BATCH_FACTOR * self._baseline_seconds, _LEAST_BATCH), _LONGEST_BATCH)

    def _describe_branch(self, branch: BranchRecord, prices: "_Prices") -> StrategyState:
        own = self._describe(branch.strategy, prices)
        draws, tokens = branch.draws, branch.usage.tokens
        convergence = branch.attempts[-1].score.value if branch.attempts else 0.0
        cost = tokens / draws.count if tokens and draws.count else own.cost
        return StrategyState(own.places, own.skill, cost, draws, convergence)

    def _describe(self, strategy: Strategy, prices: "_Prices") -> StrategyState:
        cost = prices.batch if self.is_of_templates(strategy) else prices.estimate_draw(self.count_lines(strategy))
        return StrategyState(tuple(self._name_places(strategy)), self._find_skill(strategy), cost)

    def _find_skill(self, strategy: Strategy) -> Skill:
        if self.is_of_templates(strategy):
            return Skill(strategy.skill) if strategy.skill else TEMPLATE_SKILL
        lines = self.count_lines(strategy)
        prior = estimate_skill(find_parameters(self._model) or USUAL_PARAMETERS, lines)
        return learn_skill(prior, (record for record in self._records if record.long == is_long(lines)))

    def _name_places(self, strategy: Strategy) -> Iterator[str]:
        """Yield the places that a strategy aims at; of a file without a symbol, the likeliest."""
        names = [_name(file, symbol) for file in strategy.target_files for symbol in strategy.target_symbols]
        listed = [name for name in names if name in self._places]
        if not strategy.target_symbols:
            listed = [name for name, place in self._places.items() if place.file in strategy.target_files][:1]
        places = listed or names[:1] or [f"{file}:" for file in strategy.target_files[:1]]
        # A suggestion that names none is pursued where the model takes it to be.
        yield from places or (list(self._places)[:1] if strategy.suggested_by else ())

    def _weigh_places(
        self, states: Iterable[StrategyState], instruction: str, named: Collection[str] = ()
    ) -> dict[str, float]:
        weights = {name: place.probability for name, place in self._places.items()}
        for state in states:
            for name in state.places:
                weights.setdefault(name, UNLISTED)
        symbols, paths = find_named_symbols(instruction), PATH.findall(instruction)
        for name in weights:
            file, _, symbol = name.partition(":")
            is_named = any(f"/{file}".endswith(f"/{path.removeprefix('./')}") for path in paths)
            if is_named or name in named or not symbols.isdisjoint(symbol.split(".")):
                weights[name] = max(weights[name], NAMED)
        return weights

    def _imagine(self, source: str) -> Strategy:
        """Return what stands for the first strategy that a source will propose: one at the likeliest place."""
        first = next(iter(self._places.values()), Place(file="?"))
        model = TEMPLATES if source == TEMPLATES else ""
        return Strategy(title="?", target_files=(first.file,), target_symbols=(first.symbol,), model=model)


class _Prices:
    """What draws cost in tokens, by those of the run so far."""

    def __init__(self, genealogy: Genealogy, valuation: Valuation) -> None:
        of_templates: list[AttemptRecord] = []
        tokens = seconds = expected = 0.0
        for branch in genealogy.branches:
            if valuation.is_of_templates(branch.strategy):
                of_templates += branch.attempts
                continue
            tokens += branch.usage.tokens
            seconds += branch.usage.seconds
            expected += branch.draws.count * _count_tokens(valuation.count_lines(branch.strategy))
        self.tokens_per_second = (TOKENS_PER_SECOND * _PRIOR_SECONDS + tokens) / (_PRIOR_SECONDS + seconds)
        self._factor = (_PRIOR_TOKENS + tokens) / (_PRIOR_TOKENS + expected)
        # What an attempt waited for, a sandbox or a host, says nothing of what the next one is worth.
        measured = [attempt.test_seconds or attempt.seconds for attempt in of_templates]
        batch = sum(measured) / len(measured) if measured else valuation.batch_seconds
        self.batch = max(1.0, batch) * self.tokens_per_second

    def estimate_draw(self, lines: int) -> float:
        """Return the tokens of one draw at a place of so many lines."""
        return self._factor * _count_tokens(lines)


def _list_strategies(genealogy: Genealogy) -> list[Strategy]:
    return [branch.strategy for branch in genealogy.branches]


def _name(file: str, symbol: str) -> str:
    return f"{file}:{'' if symbol == MODULE_LEVEL else symbol}"


def _count_tokens(lines: int) -> float:
    return _PROMPT_TOKENS + _TOKENS_PER_LINE * min(lines, _MOST_LINES)
