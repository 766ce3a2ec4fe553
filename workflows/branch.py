"""BranchWorkflow: one strategy pursued, PLAN → IMPLEMENT → TEST → REFLECT, until it passes or is ended."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.checkpoints.activities import CheckpointActivities
    from activities.inference.activities import InferenceActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet import budget, checkpoint
    from hydranet.budget import Usage
    from hydranet.contracts import (
        BRANCH_WORKFLOW,
        AttemptReport,
        BranchRequest,
        BranchResult,
        BranchState,
        Checkpoint,
        CommitRequest,
        ImplementAnswer,
        InvestigateRequest,
        Investigation,
        Plan,
        PlanAnswer,
        ReapRequest,
        ReflectAnswer,
        StepRequest,
        Trial,
        TrialRequest,
        Work,
    )
    from hydranet.convergence import reaper
    from hydranet.convergence.score import MEMORY, Attempt, Score, score_attempt
    from hydranet.genealogy import AttemptRecord, Ending, Outcome
    from hydranet.random_seed import derive_seed
    from hydranet.strategy import TEMPLATES
    from workflows import attempt_records, policies, retrieval


@workflow.defn(name=BRANCH_WORKFLOW)
class BranchWorkflow:
    """Makes attempts, scores each, and asks its run to reap it when they circle."""

    @workflow.init
    def __init__(self, request: BranchRequest) -> None:
        self._request = request
        self._paused = request.paused
        self._instruction = request.instruction
        self._state = request.state or BranchState(best=request.start, best_failing=request.start_failing)

    @workflow.query
    def carried(self) -> BranchRequest:
        """What carries the branch on from where it is."""
        return self._request.model_copy(
            update={"state": self._state, "paused": self._paused, "instruction": self._instruction}
        )

    @workflow.signal
    def pause(self) -> None:
        """Begin no further step."""
        self._paused = True

    @workflow.signal
    def resume(self) -> None:
        """Go on after a pause."""
        self._paused = False

    @workflow.signal
    def override(self, instruction: str) -> None:
        """Put a person's instruction into the next PLAN or REFLECT."""
        self._instruction = instruction

    @workflow.run
    async def run(self, request: BranchRequest) -> BranchResult:
        """Pursue the strategy; the result says how the branch ended by itself."""
        try:
            while self._state.attempts < request.attempts:
                if result := await self._attempt(self._state.attempts + 1):
                    return result
                if workflow.info().is_continue_as_new_suggested():
                    workflow.continue_as_new(self.carried())
        except ActivityError as error:
            if workflow.cancellation_reason() is not None:
                raise CancelledError("the branch was cancelled") from error
            raise policies.fail(policies.explain_failure(error)) from error
        return BranchResult(ending=Ending.SPENT, reason=f"All {request.attempts} attempts of the branch are spent.")

    async def _attempt(self, number: int) -> BranchResult | None:
        """Make one attempt; a result ends the branch."""
        began = workflow.now()
        reflected = await self._reflect() if self._state.plan else None
        if reflected and (broke := self._broke(reflected.usage)):
            return broke
        if reflected and self._request.strategy.model != TEMPLATES:
            await self._may_go_on()
            context = await retrieval.retrieve_after_attempt(self._request, self._state, reflected.look_at)
            self._state = self._state.model_copy(update={"context": context})
        planned = await self._plan(number)
        spent = planned.usage + (reflected.usage if reflected else Usage())
        if broke := self._broke(spent):
            return broke
        looked = await self._investigate(number, planned)
        answer = await self._implement(number, planned, looked, self._left(spent))
        if answer.exhausted and answer.candidates is None:
            return BranchResult(ending=Ending.SPENT, reason=answer.reason or "The strategy has nothing more to offer.")
        trial = await self._test(number, answer)
        facts = attempt_records.build_facts(trial, looked)
        score = self._score(facts)
        record = attempt_records.build_record(
            number, reflected, planned, answer, trial, facts, score, workflow.now() - began
        )
        made = await self._commit(record, trial)
        record = record.model_copy(update={"checkpoint": made.commit if made else ""})
        tried = answer.count - (trial.left if trial else 0)
        self._remember(record, planned.plan, tried, trial, made)
        await self._report(record, made)
        if record.outcome is Outcome.PASSED:
            return BranchResult(ending=Ending.PASSED, reason=record.summary, passed=made)
        if broke := self._broke(Usage()):
            return broke
        if answer.exhausted and tried == answer.count:
            return BranchResult(ending=Ending.SPENT, reason=answer.reason)
        if evidence := reaper.judge(self._state.facts, score, self._request.convergence):
            await self._ask_to_be_reaped(score, evidence)
        return None

    def _broke(self, unreported: Usage) -> BranchResult | None:
        """The end of the branch when its tokens are spent, with those of an attempt that is not made yet."""
        if self._left(unreported) != 0:
            return None
        return BranchResult(ending=Ending.SPENT, reason="The token budget of the run is spent.", unreported=unreported)

    def _left(self, unreported: Usage) -> int | None:
        return budget.tokens_left(self._request.tokens, self._state.tokens + unreported.tokens)

    async def _reflect(self) -> ReflectAnswer:
        """Draw the lesson of the last attempt."""
        await self._may_go_on()
        state = self._state
        more = {"plan": state.plan, "tail": state.tail, "history": state.history[-1:], "dead": ()}
        answer: ReflectAnswer = await workflow.execute_activity_method(
            InferenceActivities.reflect,
            self._step(state.attempts, instruction=self._instruction).model_copy(update=more),
            **policies.for_inference(f"attempt {state.attempts}: reflect"),
        )
        self._state = state.model_copy(update={"reflection": answer.reflection})
        return answer

    async def _plan(self, number: int) -> PlanAnswer:
        await self._may_go_on()
        return await workflow.execute_activity_method(
            InferenceActivities.plan,
            self._step(number, instruction=self._take_instruction()),
            **policies.for_inference(f"attempt {number}: plan"),
        )

    async def _investigate(self, number: int, planned: PlanAnswer) -> Investigation:
        """Run what the plan asks to see of the code that the attempt starts from."""
        if not planned.investigate:
            return Investigation()
        await self._may_go_on()
        request = self._request
        return await workflow.execute_activity_method(
            SandboxActivities.investigate,
            InvestigateRequest(
                snapshot=request.snapshot,
                checkpoint=self._state.best,
                environment=request.environment,
                spec=request.sandbox,
                asked=planned.investigate,
            ),
            **policies.for_sandbox(f"attempt {number}: look around", request.sandbox),
        )

    async def _implement(
        self, number: int, planned: PlanAnswer, looked: Investigation, left: int | None
    ) -> ImplementAnswer:
        await self._may_go_on()
        more = {"plan": planned.plan, "findings": looked.findings, "tokens": left, "history": self._state.history[-1:]}
        return await workflow.execute_activity_method(
            InferenceActivities.implement,
            self._step(number).model_copy(update=more),
            **policies.for_inference(f"attempt {number}: implement"),
        )

    async def _test(self, number: int, answer: ImplementAnswer) -> Trial | None:
        if answer.candidates is None:
            return None
        await self._may_go_on()
        request = self._request
        return await workflow.execute_activity_method(
            SandboxActivities.try_candidates,
            TrialRequest(
                snapshot=request.snapshot,
                parent=self._state.best,
                environment=request.environment,
                spec=request.sandbox,
                baseline=request.baseline,
                candidates=answer.candidates,
            ),
            **policies.for_sandbox(f"attempt {number}: test {answer.count} candidate(s)", request.sandbox),
        )

    async def _commit(self, record: AttemptRecord, trial: Trial | None) -> Checkpoint | None:
        if trial is None or trial.diff is None:
            return None
        return await workflow.execute_activity_method(
            CheckpointActivities.commit_checkpoint,
            CommitRequest(
                snapshot=self._request.snapshot,
                parent=self._state.best,
                diff=trial.diff,
                message=checkpoint.format_message(self._request.number, self._request.strategy.title, record),
            ),
            **policies.for_sandbox(f"attempt {record.number}: checkpoint", self._request.sandbox),
        )

    async def _ask_to_be_reaped(self, score: Score, evidence: str) -> None:
        """Signal the run and wait: it cancels this branch, perhaps before the signal counts as sent."""
        if not self._request.reaper:
            return
        request = ReapRequest(branch=self._request.number, score=score, evidence=evidence)
        await self._run_handle().signal("reap", request)
        await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None)
        raise asyncio.CancelledError(workflow.cancellation_reason())

    async def _report(self, record: AttemptRecord, made: Checkpoint | None) -> None:
        report = AttemptReport(branch=self._request.number, record=record, checkpoint=made)
        await self._run_handle().signal("attempt_made", report)

    def _run_handle(self) -> workflow.ExternalWorkflowHandle[None]:
        return workflow.get_external_workflow_handle(self._request.run_id)

    async def _may_go_on(self) -> None:
        """Wait out a pause; raise when cancelled, since a step that completes meanwhile swallows the cancel."""
        await workflow.wait_condition(lambda: not self._paused)
        if (reason := workflow.cancellation_reason()) is not None:
            raise asyncio.CancelledError(reason)

    def _take_instruction(self) -> str:
        instruction, self._instruction = self._instruction, ""
        return instruction

    def _step(self, number: int, instruction: str = "") -> StepRequest:
        request, state = self._request, self._state
        last = state.facts[-1] if state.facts else None
        return StepRequest(
            work=Work(
                run_id=request.run_id,
                model=request.model,
                snapshot=request.snapshot,
                checkpoint=state.best,
                context=state.context or request.context,
                spectrum=request.spectrum,
            ),
            branch=request.number,
            attempt=number,
            strategy=request.strategy,
            seed=derive_seed(request.seed or request.run_id, request.number, number),
            tried=state.tried,
            history=state.history,
            reflection=state.reflection,
            dead=request.dead,
            error=last.error if last else request.error,
            instruction=instruction,
        )

    def _score(self, facts: Attempt) -> Score:
        earlier = self._state.facts
        score = score_attempt((*earlier, facts), self._request.convergence)
        forgotten = self._state.attempts - len(earlier)
        return score.model_copy(update={"nearest": score.nearest and score.nearest + forgotten})

    def _remember(
        self, record: AttemptRecord, plan: Plan, tried: int, trial: Trial | None, made: Checkpoint | None
    ) -> None:
        state = self._state
        better = (
            made is not None
            and self._request.strategy.model != TEMPLATES
            and record.facts.failing_count < state.best_failing
            and set(record.facts.failing_tests) <= set(self._request.target)
        )
        self._state = BranchState(
            attempts=record.number,
            tokens=state.tokens + record.usage.tokens,
            tried=state.tried + tried,
            facts=(*state.facts, record.facts)[-MEMORY:],
            history=(*state.history, attempt_records.build_digest(record))[-3:],
            plan=plan,
            reflection=state.reflection,
            best=made if made is not None and better else state.best,
            best_failing=record.facts.failing_count if better else state.best_failing,
            tail=trial.report.tail if trial and trial.report.tail else state.tail,
            results=trial.report.results if trial else state.results,
            context=state.context,
        )
