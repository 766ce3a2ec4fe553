"""The strategies of a run: asked for in rounds, refused when they repeat what was tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import InferenceActivities
    from hydranet.budget import Usage
    from hydranet.contracts import DeadBranch, FixRequest, RankRequest, StrategiesRequest, Work
    from hydranet.genealogy import BranchRecord, Genealogy
    from hydranet.lesson import draw_lesson
    from hydranet.random_seed import derive_seed
    from hydranet.strategy import TEMPLATES, Strategy, is_new, rank_strategies
    from workflows import policies

# What has offered nothing new twice has nothing left: to ask on would be to circle one level up.
FRUITLESS_ROUNDS = 2

# In order: they cost seconds and no tokens, and each is another family of edits.
TEMPLATES_FIRST = 3

# How many strategies are asked for at once: of the templates in order, and where each draw is weighed.
_COUNT, _WEIGHED_COUNT = 3, 8


@dataclass
class StrategySource:
    """What proposes strategies: the templates or a model, `rounds` times at most; and those not yet begun.

    It may have so many `branches` more.
    """

    model: str
    branches: int
    count: int
    rounds: int | None = None
    fruitless: int = 0
    pending: list[Strategy] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """Whether no further strategy is to be expected of it."""
        return 0 in (self.rounds, self.branches) or self.fruitless >= FRUITLESS_ROUNDS


class StrategySupply:
    """A supply of strategies, each unlike every earlier one."""

    def __init__(self, request: FixRequest, seed: str) -> None:
        self._in_order = in_order = request.allocation == "order"
        self._branches = branches = request.budget.branches
        self.sources: list[StrategySource] = []
        if request.templates_first and request.model != TEMPLATES:
            first = (TEMPLATES_FIRST, 1) if in_order else (_WEIGHED_COUNT, None)
            self.sources.append(StrategySource(TEMPLATES, branches, *first))
        self.sources.append(StrategySource(request.model, branches, _COUNT if in_order else _WEIGHED_COUNT))
        self._handed: list[Strategy] = []
        self._suggested: list[Strategy] = []
        self._round = 0
        self._supervisor = request.supervisor_model
        self._seed = seed
        self._usage = Usage()
        self._instruction = ""
        self.reason = ""

    @property
    def exhausted(self) -> bool:
        """Whether nothing new is to be expected any more."""
        return not self._suggested and all(source.exhausted and not source.pending for source in self.sources)

    @property
    def suggested(self) -> list[Strategy]:
        """The strategies that people have suggested, which begin before all others."""
        return list(self._suggested)

    def has_room(self, model: str) -> bool:
        """Return whether the budget has a branch for one more suggestion, pursued by a model or the templates."""
        return self._find_source(model).branches > len(self._suggested)

    def suggest(self, strategy: Strategy) -> None:
        """Take a strategy of a person's own, which gets the next branch."""
        self._suggested.append(strategy)

    @property
    def proposed(self) -> list[Strategy]:
        """The strategies that may begin; of those that a supervisor has ranked, only the first of each source."""
        pending = (source.pending[: 1 if self._supervisor else None] for source in self.sources)
        return [strategy for strategies in pending for strategy in strategies]

    @property
    def askable(self) -> list[str]:
        """The models of the sources that have to be asked for more."""
        return [source.model for source in self.sources if not source.pending and not source.exhausted]

    async def take_next(self, work: Work, genealogy: Genealogy, instruction: str) -> Strategy | None:
        """Return the next source's strategy least like those before it, or None with a `reason` when none is new."""
        self.tell(instruction)
        if self._suggested:
            return self.take(self._suggested[0])
        for source in self.sources:
            while not source.pending and not source.exhausted:
                await self.ask(source, work, genealogy)
            if source.pending:
                # The templates alone have weighed the dead branches themselves, against what they measured.
                if work.model != TEMPLATES:
                    source.pending = rank_strategies(source.pending, self._handed)
                return self.take(source.pending[0])
        return None

    def take(self, strategy: Strategy) -> Strategy:
        """Return a strategy that was proposed, which begins now."""
        for source in self.sources:
            is_own = strategy in source.pending
            if is_own:
                source.pending.remove(strategy)
            elif strategy in self._suggested and source is self._find_source(strategy.model):
                self._suggested.remove(strategy)
                is_own = True
            # In order, the strategies of both use the same branches.
            if is_own or self._in_order:
                source.branches -= 1
            if not source.branches:
                source.pending.clear()
                if source is self.sources[-1]:
                    limit = f"{self._branches} of {self._branches} branches"
                    self.reason = f"The run used {limit}, its branch budget."
        self._handed.append(strategy)
        return strategy

    def _find_source(self, model: str) -> StrategySource:
        """Return the source on whose branches a strategy counts."""
        return next((source for source in self.sources if source.model == model), self.sources[-1])

    def tell(self, instruction: str) -> None:
        """Take a person's instruction: templates are asked again, since they were not told which places it names."""
        if instruction == self._instruction:
            return
        self._instruction = instruction
        for source in self.sources:
            if source.model == TEMPLATES and source.pending:
                if source.rounds is not None:
                    source.rounds, source.count = source.rounds + 1, len(source.pending)
                source.pending.clear()

    def take_usage(self) -> Usage:
        """Return what the rounds since the last call cost."""
        usage, self._usage = self._usage, Usage()
        return usage

    async def ask(self, source: StrategySource, work: Work, genealogy: Genealogy) -> None:
        """Have a source propose further strategies, if it has any."""
        self._round += 1
        if source.rounds is not None:
            source.rounds -= 1
        answer = await workflow.execute_activity_method(
            InferenceActivities.propose_strategies,
            StrategiesRequest(
                work=work.model_copy(update={"model": source.model}),
                round=self._round,
                seed=derive_seed(self._seed, self._round),
                count=source.count,
                dead=_describe_all_dead(genealogy),
                instruction=self._instruction,
            ),
            **policies.for_inference(f"strategies, round {self._round}"),
        )
        self._usage += answer.usage
        fresh: list[Strategy] = []
        for strategy in answer.strategies:
            if is_new(strategy, [*self._handed, *fresh]):
                fresh.append(strategy)
        source.pending = await self._ranked(fresh, work, genealogy) if self._supervisor and len(fresh) > 1 else fresh
        if not source.pending:
            source.fruitless += 1
            if source is self.sources[-1]:
                self.reason = answer.reason or "The model offered no strategy unlike those already tried."

    async def _ranked(self, strategies: Sequence[Strategy], work: Work, genealogy: Genealogy) -> list[Strategy]:
        answer = await workflow.execute_activity_method(
            InferenceActivities.rank_strategies,
            RankRequest(
                work=work.model_copy(update={"model": self._supervisor}),
                round=self._round,
                seed=derive_seed(self._seed, self._round),
                strategies=tuple(strategies),
                dead=_describe_all_dead(genealogy),
            ),
            **policies.for_ranking(f"rank {len(strategies)} strategies"),
        )
        self._usage += answer.usage
        places = dict.fromkeys((*answer.order, *range(len(strategies))))
        return [strategies[place] for place in places if 0 <= place < len(strategies)]


def _describe_all_dead(genealogy: Genealogy) -> tuple[DeadBranch, ...]:
    return tuple(describe_dead(branch, genealogy.target_count) for branch in genealogy.branches)


def describe_dead(branch: BranchRecord, target_count: int) -> DeadBranch:
    """Return what later prompts show of a branch that has not led to a fix."""
    return DeadBranch(
        number=branch.number,
        strategy=branch.strategy.model_copy(update={"rationale": "", "plan": ""}),
        reason=branch.reason,
        lesson=draw_lesson(branch, target_count),
    )
