"""The allocator of a run: begins the draw that is worth most, or the next strategy in order."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.artifacts.records import RecordActivities
    from hydranet import budget
    from hydranet.allocation import choose_next, explain_suspension
    from hydranet.contracts import FixRequest, Skills
    from hydranet.genealogy import Ending
    from hydranet.strategy import Strategy
    from hydranet.valuation import Offer, Valuation
    from workflows import policies
    from workflows.branches import Branches
    from workflows.preparation import PreparedRun
    from workflows.run_state import RunState
    from workflows.strategies import StrategySupply


class Allocator:
    """Decides which strategy gets the next draw, and has its branch make it."""

    def __init__(self, request: FixRequest, state: RunState, branches: Branches, supply: StrategySupply) -> None:
        self._request = request
        self._state = state
        self._branches = branches
        self._supply = supply
        self._declined: tuple[int, int, str, int] | None = None

    @property
    def may_begin(self) -> bool:
        """Whether a further draw may begin now."""
        return (
            len(self._branches.active) < self._request.parallel_branches
            and not self._branches.has_passing_attempt
            and (self.may_start_more or bool(self._branches.waiting))
            # What was worth nothing is not weighed again before something has changed.
            and self._declined != self._describe_circumstances()
        )

    @property
    def may_start_more(self) -> bool:
        """Whether the supply has perhaps a strategy, and the budget a branch for it."""
        return not self._supply.exhausted

    @property
    def proposed(self) -> Sequence[Strategy]:
        """The strategies that may begin next, in their order."""
        return self._supply.proposed

    @property
    def reason(self) -> str:
        """Why no draw may begin."""
        if self._branches.waiting or self._supply.proposed:
            return "No further draw is worth its time."
        return self._supply.reason or "No strategy is left to try."

    def find_refusal(self, model: str) -> str:
        """Return why no branch is left for a suggestion, empty where one is."""
        if self._supply.has_room(model):
            return ""
        branches = self._request.budget.branches
        return f"No branch is left of the {branches} of the budget (budget.branches)."

    def suggest(self, strategy: Strategy) -> None:
        """Have a strategy of a person's own get the next branch."""
        self._supply.suggest(strategy)

    async def begin_draws(self, prepared: PreparedRun) -> None:
        """Begin as many draws as may run at the same time."""
        in_order = self._request.allocation == "order"
        while self.may_begin:
            self._state.set_state("choosing a strategy")
            begun = await (self._start_next(prepared) if in_order else self._begin_best(prepared))
            if not begun:
                self._declined = self._describe_circumstances()
        self._state.set_state("working")

    async def _start_next(self, prepared: PreparedRun) -> bool:
        work = prepared.inference_context(self._state.genealogy.run_id, self._request.model)
        strategy = await self._supply.take_next(work, self._state.genealogy, self._state.instruction)
        self._state.add_usage(self._supply.take_usage())
        if strategy is not None:
            await self._start(strategy, prepared)
        return strategy is not None

    async def _begin_best(self, prepared: PreparedRun) -> bool:
        """Let the branch that waits go on, start the new strategy, or ask for strategies: whichever is worth most."""
        self._supply.tell(self._state.instruction)
        if suggested := self._supply.suggested:
            await self._start(self._supply.take(suggested[0]), prepared)
            self._branches.suspend_waiting(lambda _: "A strategy that a person suggested comes first.")
            return True
        offers = self._list_offers(prepared)
        best = choose_next([offer.value for offer in offers], self._find_current(offers))
        if best is None:
            return False
        offer = offers[best]
        if offer.source is not None:
            source = next(source for source in self._supply.sources if source.model == offer.source)
            work = prepared.inference_context(self._state.genealogy.run_id, self._request.model)
            await self._supply.ask(source, work, self._state.genealogy)
            self._state.add_usage(self._supply.take_usage())
            return True
        values = {other.branch: other.value for other in offers}
        if offer.branch is not None:
            await self._branches.grant_attempt(offer.branch, tokens_left=self._tokens_left)
        elif offer.strategy is not None:
            await self._start(self._supply.take(offer.strategy), prepared)
        self._branches.suspend_waiting(lambda number: explain_suspension(values.get(number), offer.value))
        return True

    async def record_skills(self, prepared: PreparedRun) -> None:
        """Put on record how the draws of the run's model have done, for later runs."""
        genealogy = self._state.genealogy
        records = _value(self._request, prepared).count_skill(genealogy)
        if records and self._request.allocation == "value":
            await workflow.execute_activity_method(
                RecordActivities.record_skills,
                Skills(run_id=genealogy.run_id, records=tuple(records)),
                **policies.for_supervisor("record how the model did"),
            )

    def _list_offers(self, prepared: PreparedRun) -> list[Offer]:
        return _value(self._request, prepared).list_offers(
            self._state.genealogy,
            self._branches.waiting,
            self._supply.proposed,
            self._supply.askable,
            self._state.instruction,
        )

    def _find_current(self, offers: Sequence[Offer]) -> int | None:
        """Return which offer is that of the branch that made the last draw, where that waits."""
        running = {record.number for record in self._state.genealogy.branches if record.ending is Ending.RUNNING}
        return next((index for index, offer in enumerate(offers) if offer.branch in running), None)

    async def _start(self, strategy: Strategy, prepared: PreparedRun) -> None:
        await self._branches.start(strategy, prepared, tokens_left=self._tokens_left)

    @property
    def _tokens_left(self) -> int | None:
        return budget.tokens_left(self._request.budget.tokens or None, self._state.genealogy.usage.tokens)

    def _describe_circumstances(self) -> tuple[int, int, str, int]:
        suggested = len(self._supply.suggested)
        return self._state.genealogy.attempts, len(self._branches.running), self._state.instruction, suggested


def _value(request: FixRequest, prepared: PreparedRun) -> Valuation:
    return Valuation(request.model, prepared.places, prepared.skills, prepared.baseline.seconds)
