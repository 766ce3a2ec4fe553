"""The strategies of a run: asked for in rounds, refused when they repeat what was tried."""

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

# A model that has offered nothing new twice has nothing left: to ask on would be to circle one level up.
FRUITLESS_ROUNDS = 2

# They cost seconds and no tokens, and each is another family of edits.
TEMPLATES_FIRST = 3


class StrategySupply:
    """A supply of strategies, one by one, each unlike every earlier one."""

    def __init__(self, request: FixRequest, seed: str) -> None:
        self._pending: list[Strategy] = []
        self._handed: list[Strategy] = []
        self._round = 0
        self._fruitless = 0
        self._templates_left = TEMPLATES_FIRST if request.templates_first and request.model != TEMPLATES else 0
        self._supervisor = request.supervisor_model
        self._seed = seed
        self._usage = Usage()
        self._instruction = ""
        self.reason = ""

    @property
    def exhausted(self) -> bool:
        """Whether nothing new is to be expected any more."""
        return not self._pending and self._fruitless >= FRUITLESS_ROUNDS

    async def take_next(self, work: Work, genealogy: Genealogy, instruction: str) -> Strategy | None:
        """Return the strategy least like the dead ones, or None with a `reason` when none is new."""
        if instruction != self._instruction:
            self._drop_templates()
        self._instruction = instruction
        while not self._pending:
            if self.exhausted:
                return None
            await self._ask(work, genealogy, instruction)
        # The templates have weighed the dead branches themselves, against what they measured.
        if work.model != TEMPLATES:
            self._pending = rank_strategies(self._pending, self._handed)
        strategy = self._pending.pop(0)
        self._handed.append(strategy)
        return strategy

    def take_usage(self) -> Usage:
        """Return what the rounds since the last call cost."""
        usage, self._usage = self._usage, Usage()
        return usage

    def _drop_templates(self) -> None:
        """Have the templates asked again: they were not told which places an instruction names."""
        if self._pending and all(strategy.model == TEMPLATES for strategy in self._pending):
            self._templates_left = len(self._pending)
            self._pending.clear()

    async def _ask(self, work: Work, genealogy: Genealogy, instruction: str) -> None:
        self._round += 1
        count, self._templates_left = self._templates_left, 0
        first = count > 0 and work.model != TEMPLATES
        answer = await workflow.execute_activity_method(
            InferenceActivities.propose_strategies,
            StrategiesRequest(
                work=work.model_copy(update={"model": TEMPLATES}) if first else work,
                round=self._round,
                seed=derive_seed(self._seed, self._round),
                count=count if first else 3,
                dead=_describe_all_dead(genealogy),
                instruction=instruction,
            ),
            **policies.for_inference(f"strategies, round {self._round}"),
        )
        self._usage += answer.usage
        fresh: list[Strategy] = []
        for strategy in answer.strategies:
            if is_new(strategy, [*self._handed, *fresh]):
                fresh.append(strategy)
        self._pending = await self._ranked(fresh, work, genealogy) if self._supervisor and len(fresh) > 1 else fresh
        if not self._pending and not first:
            self._fruitless += 1
            self.reason = answer.reason or "The model offered no strategy unlike those already tried."

    async def _ranked(self, strategies: list[Strategy], work: Work, genealogy: Genealogy) -> list[Strategy]:
        answer = await workflow.execute_activity_method(
            InferenceActivities.rank_strategies,
            RankRequest(
                work=work.model_copy(update={"model": self._supervisor}),
                round=self._round,
                seed=derive_seed(self._seed, self._round),
                strategies=tuple(strategies),
                dead=_describe_all_dead(genealogy),
            ),
            **policies.for_inference(f"rank {len(strategies)} strategies"),
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
