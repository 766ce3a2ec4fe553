"""BranchWorkflow: one strategy, pursued by attempts (PLAN → IMPLEMENT → TEST → REFLECT) until it passes or is ended."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import InferenceActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet import budget, checkpoint
    from hydranet.budget import Usage
    from hydranet.contracts import (
        BRANCH_WORKFLOW,
        NOTES,
        AttemptReport,
        BranchRequest,
        BranchResult,
        BranchState,
        CommitRequest,
        Grant,
        InvestigateRequest,
        ReapRequest,
        TrialRequest,
    )
    from hydranet.convergence import reaper
    from hydranet.convergence.score import Score
    from hydranet.genealogy import AttemptRecord, Ending, Outcome
    from hydranet.strategy import TEMPLATES
    from workflows import attempt_records, policies, retrieval
    from workflows.attempt_records import AttemptDraft
    from workflows.sandbox_host import SandboxHost
    from workflows.signals import BranchParent, drop_malformed, wait_until


@workflow.defn(name=BRANCH_WORKFLOW)
class BranchWorkflow:
    """A strategy under way: makes attempts, scores each, and asks its run to reap it when they circle."""

    @workflow.init
    def __init__(self, request: BranchRequest) -> None:
        self._request = request
        self._paused = request.paused
        self._instruction = request.instruction
        self._granted = request.granted
        self._tokens = request.tokens
        self._state = request.state or BranchState(best=request.start, best_failing=request.start_failing)
        self._sandbox = SandboxHost(request.snapshot, request.sandbox, request.environment, prepared=request.prepared)

    @workflow.query
    def carried(self) -> BranchRequest:
        """Return the request that carries the branch on from where it is."""
        return self._request.model_copy(
            update={
                "state": self._state,
                "environment": self._sandbox.environment,
                "prepared": self._sandbox.prepared,
                "paused": self._paused,
                "instruction": self._instruction,
                "granted": self._granted,
                "tokens": self._tokens,
            }
        )

    @workflow.signal
    @drop_malformed
    async def pause(self) -> None:
        """Begin no further step."""
        self._paused = True

    @workflow.signal
    @drop_malformed
    async def resume(self) -> None:
        """Go on after a pause."""
        self._paused = False

    @workflow.signal
    @drop_malformed
    async def override(self, instruction: str) -> None:
        """Show a person's instruction in the prompts of the next attempt."""
        self._instruction = instruction

    @workflow.signal
    @drop_malformed
    async def go_on(self, grant: Grant) -> None:
        """Make further attempts."""
        if self._granted is not None:
            self._granted = max(self._granted, grant.attempts)
        if grant.tokens is not None:
            self._tokens = self._state.tokens + grant.tokens
        self._sandbox.follow(grant.move)

    @workflow.run
    async def run(self, request: BranchRequest) -> BranchResult:
        """Pursue the strategy, and return how the branch ended by itself."""
        try:
            while self._state.attempts < request.attempts:
                if result := await self._attempt(self._state.attempts + 1):
                    return result
                if workflow.info().is_continue_as_new_suggested() and workflow.cancellation_reason() is None:
                    workflow.continue_as_new(self.carried())
        except ActivityError as error:
            if workflow.cancellation_reason() is not None:
                raise CancelledError("the branch was cancelled") from error
            raise policies.fail(policies.explain_failure(error)) from error
        return BranchResult(ending=Ending.SPENT, reason=f"All {request.attempts} attempts of the branch are spent.")

    async def _attempt(self, number: int) -> BranchResult | None:
        """Make one attempt; a result ends the branch."""
        await wait_until(lambda: self._granted is None or number <= self._granted)
        draft = AttemptDraft(number=number, began=workflow.now())
        for phase in (self._reflect, self._retrieve_again, self._plan, self._investigate, self._implement):
            if spent := self._check_budget(draft.usage):
                return spent
            await self._may_go_on()
            await phase(draft)
        if draft.implementation.exhausted and draft.implementation.candidates is None:
            reason = draft.implementation.reason or "The strategy has nothing more to offer."
            return BranchResult(ending=Ending.SPENT, reason=reason, unreported=draft.usage)
        await self._test(draft)
        record = await self._score(draft)
        ending = self._find_ending(draft, record)
        evidence = None if ending else self._find_evidence(record)
        await self._report(draft, record, goes_on=ending is None and evidence is None)
        if evidence:
            await self._ask_to_be_reaped(record.score, evidence)
        return ending

    def _check_budget(self, unreported: Usage) -> BranchResult | None:
        """End the branch when its tokens are spent, those of an attempt that is not on record yet included."""
        if self._tokens_left(unreported) != 0:
            return None
        return BranchResult(ending=Ending.SPENT, reason="The token budget of the run is spent.", unreported=unreported)

    def _tokens_left(self, unreported: Usage) -> int | None:
        return budget.tokens_left(self._tokens, self._state.tokens + unreported.tokens)

    async def _reflect(self, draft: AttemptDraft) -> None:
        """Draw the lesson of the last attempt, if there was one."""
        state = self._state
        if state.plan is None:
            return
        last = {"plan": state.plan, "tail": state.tail, "history": state.history[-1:], "dead": ()}
        draft.reflection = await workflow.execute_activity_method(
            InferenceActivities.reflect,
            attempt_records.make_step(self._request, state, state.attempts, self._instruction).model_copy(update=last),
            **policies.for_inference(f"attempt {state.attempts}: reflect"),
        )
        self._state = state.model_copy(update={"reflection": draft.reflection.reflection})

    async def _retrieve_again(self, draft: AttemptDraft) -> None:
        """Look for the code once more, with what the last attempt met."""
        if self._state.plan is None or self._request.strategy.model == TEMPLATES:
            return
        context = await retrieval.retrieve_after_attempt(self._request, self._state, draft.reflection.look_at)
        self._state = self._state.model_copy(update={"context": context})

    async def _plan(self, draft: AttemptDraft) -> None:
        if self._request.candidates is not None:
            return
        draft.instruction, self._instruction = self._instruction, ""
        draft.planning = await workflow.execute_activity_method(
            InferenceActivities.plan,
            attempt_records.make_step(self._request, self._state, draft.number, draft.instruction),
            **policies.for_inference(f"attempt {draft.number}: plan"),
        )

    async def _investigate(self, draft: AttemptDraft) -> None:
        """Run what the plan asks to see of the code that the attempt starts from."""
        if not draft.planning.investigate:
            return
        draft.investigation = await self._sandbox.run(
            SandboxActivities.investigate,
            InvestigateRequest(
                checkpoint=self._state.best, asked=draft.planning.investigate, **self._sandbox.describe()
            ),
            f"attempt {draft.number}: look around",
        )

    async def _implement(self, draft: AttemptDraft) -> None:
        if self._request.candidates is not None:
            draft.implementation = attempt_records.take_candidates(self._request)
            return
        if self._instruction:  # sent since the plan
            draft.instruction, self._instruction = self._instruction, ""
        step = {
            "plan": draft.planning.plan,
            "findings": draft.investigation.findings,
            "tokens": self._tokens_left(draft.usage),
            "history": self._state.history[-1:],
        }
        draft.implementation = await workflow.execute_activity_method(
            InferenceActivities.implement,
            attempt_records.make_step(self._request, self._state, draft.number, draft.instruction).model_copy(
                update=step
            ),
            **policies.for_inference(f"attempt {draft.number}: implement"),
        )

    async def _test(self, draft: AttemptDraft) -> None:
        if draft.implementation.candidates is None:
            return
        await self._may_go_on()
        request, count, draft.parent = self._request, draft.implementation.count, self._state.best
        draft.trial = await self._sandbox.run(
            SandboxActivities.try_candidates,
            TrialRequest(
                parent=draft.parent,
                baseline=request.baseline,
                candidates=draft.implementation.candidates,
                answers=request.answers,
                **self._sandbox.describe(),
            ),
            f"attempt {draft.number}: test {count} candidate(s)",
        )

    async def _score(self, draft: AttemptDraft) -> AttemptRecord:
        """Score the attempt, and keep its checkpoint."""
        request = self._request
        record = attempt_records.build_record(request, draft, self._state, workflow.now())
        if draft.trial is not None and draft.trial.diff is not None:
            draft.checkpoint = await self._sandbox.commit(
                CommitRequest(
                    snapshot=request.snapshot,
                    parent=self._state.best,
                    diff=draft.trial.diff,
                    message=checkpoint.format_message(request.number, request.strategy.title, record),
                ),
                f"attempt {record.number}: checkpoint",
            )
            record = record.model_copy(update={"checkpoint": draft.checkpoint.commit})
        self._state = attempt_records.advance_branch(request, self._state, draft, record)
        return record

    async def _report(self, draft: AttemptDraft, record: AttemptRecord, *, goes_on: bool) -> None:
        request = self._request
        notes = (*self._sandbox.take_moves(), *(draft.trial.report.notes if draft.trial else ()))
        report = AttemptReport(
            branch=request.number,
            record=record,
            waits=goes_on and self._granted is not None and record.number < request.attempts,
            checkpoint=draft.checkpoint,
            notes=notes[:NOTES],
            move=self._sandbox.take_move(),
        )
        await self._run_handle().signal(BranchParent.attempt_made, report)

    def _find_ending(self, draft: AttemptDraft, record: AttemptRecord) -> BranchResult | None:
        """Return how the branch ends when the attempt passed, or when nothing is left to spend or to offer."""
        if record.outcome is Outcome.PASSED:
            return attempt_records.build_result(draft, record)
        if spent := self._check_budget(Usage()):
            return spent
        if draft.implementation.exhausted and draft.tested == draft.implementation.count:
            return BranchResult(ending=Ending.SPENT, reason=draft.implementation.reason)
        return None

    def _find_evidence(self, record: AttemptRecord) -> str | None:
        """Return why the branch is to be reaped, None where it does not circle or nothing is to be reaped."""
        if not self._request.reaper:
            return None
        return reaper.judge(self._state.facts, record.score, self._request.convergence)

    async def _ask_to_be_reaped(self, score: Score, evidence: str) -> None:
        request = ReapRequest(branch=self._request.number, score=score, evidence=evidence)
        await self._run_handle().signal(BranchParent.reap_circling, request)
        # The run answers with a cancel, perhaps before the signal counts as sent, which that await then swallows.
        await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None)
        raise asyncio.CancelledError(workflow.cancellation_reason())

    def _run_handle(self) -> workflow.ExternalWorkflowHandle[BranchParent]:
        return workflow.get_external_workflow_handle(self._request.run_id)

    async def _may_go_on(self) -> None:
        """Wait out a pause, and raise when the branch is cancelled."""
        await wait_until(lambda: not self._paused)
        # A step that completes in the moment of the cancel swallows it: the reason stays.
        if (reason := workflow.cancellation_reason()) is not None:
            raise asyncio.CancelledError(reason)
