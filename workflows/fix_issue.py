"""FixIssueWorkflow: one repository, one issue; it starts branches, reaps and replaces them, and publishes the fix."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from hydranet import budget
    from hydranet.contracts import (
        FIX_WORKFLOW,
        BranchResult,
        FixRequest,
        RunResult,
        TestReport,
    )
    from hydranet.genealogy import Ending, Genealogy, Verdict
    from hydranet.person_wait import PersonWait, WaitSubject
    from hydranet.policy.constitution import Effect
    from hydranet.question import BehaviourAnswer
    from hydranet.report.obstacle import describe_exhaustion
    from hydranet.strategy import TEMPLATES, Strategy
    from hydranet.text.escaping import format_command
    from workflows import preparation, publication, retrieval
    from workflows.answers import ContestSettler, settle_contest
    from workflows.approvals import ask_about_test
    from workflows.branches import RunningBranch
    from workflows.last_gate import LastGate
    from workflows.messages import RunMessages
    from workflows.policies import explain_failure, has_given_up
    from workflows.sandbox_host import SandboxHost, prepare_environment
    from workflows.target_search import TargetSearch
    from workflows.working_time import Deadline


@workflow.defn(name=FIX_WORKFLOW)
class FixIssueWorkflow(RunMessages):
    """A run: decides, and leaves the work to activities. Its genealogy is what every view of the run shows."""

    @workflow.init
    def __init__(self, request: FixRequest) -> None:
        super().__init__(request)
        self._deadline = Deadline(
            request,
            self._state.clock,
            name_step=lambda: self._state.genealogy.state,
            has_fix=lambda: self._branches.has_passing_attempt or bool(self._closing),
        )

    @workflow.query
    def genealogy(self) -> Genealogy:
        """Return the tree as it stands."""
        return self._state.genealogy

    @workflow.run
    async def run(self, request: FixRequest) -> RunResult:  # noqa: ARG002 - taken by __init__
        """Pursue strategies until one is verified, or nothing is left to try or to spend."""
        work = asyncio.create_task(self._run_to_verdict())
        while not work.done():
            try:
                await workflow.wait([work])
            except asyncio.CancelledError:
                # A cancel from Temporal reaches this task alone, at any moment: what is under way is wound up as
                # after an abort, and put on record.
                self._aborted = self._aborted or "Cancelled from Temporal."
        return work.result()

    async def _run_to_verdict(self) -> RunResult:
        search, deadline = asyncio.create_task(self._search()), asyncio.create_task(self._deadline.wait())
        await workflow.wait_condition(lambda: search.done() or self._aborted is not None or deadline.done())
        if not search.done():
            self._state.set_state("aborting" if self._aborted is not None else "ending")
        seconds = 2
        while not search.done():
            # More than once, since a step that completes in the same moment swallows a cancel, and less and less
            # often, since a step may take minutes to clean up.
            search.cancel()
            await workflow.wait([search], timeout=seconds)
            seconds = min(2 * seconds, 60)
        spent = deadline.result() if deadline.done() else ""
        deadline.cancel()
        self._closing = "is ending"
        result = self._decide_result(search, spent)
        if result.verdict is Verdict.EXHAUSTED:
            await self._branches.cancel_all(Ending.SPENT, result.reason)
            reason = describe_exhaustion(self._state.genealogy, result.reason)
            result = RunResult(verdict=Verdict.EXHAUSTED, reason=reason)
        else:
            await self._branches.cancel_all(Ending.CANCELLED, f"Cancelled: the run ended: {result.verdict}.")
        for order in self._reaps:
            order.done = True  # There is no branch left to reap: their senders hear so.
        await self._conclude(result)
        # A handler that is cut off would leave its sender without an answer.
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    def _decide_result(self, search: "asyncio.Task[RunResult]", spent: str) -> RunResult:
        error = None if search.cancelled() else search.exception()
        if error is None and not search.cancelled():
            return search.result()
        if self._aborted is not None:
            return RunResult(verdict=Verdict.ABORTED, reason=self._aborted)
        if spent:
            return RunResult(verdict=Verdict.EXHAUSTED, reason=spent)
        if not isinstance(error, FailureError):
            raise error or asyncio.CancelledError
        # What fails before the search has begun is the input or the set-up.
        refused = self._prepared is None and not has_given_up(error)
        return RunResult(verdict=Verdict.FAILED, reason=explain_failure(error), refused=refused)

    async def _search(self) -> RunResult:
        self._prepared = prepared = await self._prepare()
        await self._try_fixes_of_other_run(prepared)
        while True:
            await self._reap_requested()
            while ended := self._branches.list_ended():
                if result := await self._settle(ended[0], prepared):
                    return result
            if not self._state.clock.paused:
                if reason := self._find_breach():
                    return RunResult(verdict=Verdict.EXHAUSTED, reason=reason)
                await self._allocator.begin_draws(prepared)
                if not self._branches.active:
                    reason = self._allocator.reason
                    return RunResult(verdict=Verdict.EXHAUSTED, reason=reason)
            # All that this waits for is done above, so none of it is still true when the loop comes back. A condition
            # that stayed true would turn the loop for ever within one workflow task, which Temporal ends as a deadlock.
            await workflow.wait_condition(self._has_work)

    async def _try_fixes_of_other_run(self, prepared: preparation.PreparedRun) -> None:
        """Start with the fixes that answers leave of another run's, if this one goes on where that ended."""
        if self._request.contest is None:
            return
        settlement = await settle_contest(self._request.contest.contest, self._request.answers)
        if settlement.candidates is not None:
            strategy = Strategy(title="A fix that passed before", kind="recorded fix", model=TEMPLATES)
            await self._branches.start(strategy, prepared, tokens_left=None, fixes=settlement)

    def _has_work(self) -> bool:
        if self._reaps or self._branches.list_ended():
            return True
        if self._state.clock.paused:
            return False
        return not self._branches.active or self._allocator.may_begin or self._find_breach() is not None

    async def _prepare(self) -> preparation.PreparedRun:
        request, state = self._request, self._state
        await self._begin("taking a snapshot of the repository")
        snapshot = await preparation.take_snapshot(request)
        state.set_base(snapshot.commit)
        loading = asyncio.create_task(preparation.load_model(request.model))
        try:
            await self._begin("preparing the sandbox")
            environment = await prepare_environment(snapshot, request.sandbox)
            state.set_environment(environment.note)
            sandbox = SandboxHost(snapshot, request.sandbox, environment, lambda move: state.add_test_notes((move,)))
            issue = await preparation.store_issue(request)
            search = TargetSearch(request, snapshot, sandbox, issue, state, self._begin, self._approve_test)
            base, baseline = await search.find()
            state.set_target(baseline)
            await publication.record_run(state.genealogy)
            await self._begin("looking for the cause")
            run_id = state.genealogy.run_id
            prepared = await preparation.prepare_run(run_id, request, snapshot, base, sandbox, baseline, issue)
            state.set_shown(prepared.retrieval)
            await loading
        finally:
            loading.cancel()
        return prepared

    async def _begin(self, step: str) -> None:
        """Wait out a pause, then say what begins."""
        await self._wait_for(lambda: not self._state.clock.paused)
        if self._aborted is not None:
            raise asyncio.CancelledError(self._aborted)
        self._state.set_state(step)

    async def _wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for a person; branches are reaped meanwhile."""
        while not condition():
            await workflow.wait_condition(lambda: condition() or bool(self._reaps))
            await self._reap_requested()

    def _find_breach(self) -> str | None:
        """Return the limit that ends the run now."""
        if self._branches.has_passing_attempt:
            return None  # Its branch is about to end with a fix, which counts.
        return budget.find_breach(
            self._request.budget,
            attempts=self._state.genealogy.attempts,
            tokens=self._state.genealogy.usage.tokens,
        )

    async def _reap_requested(self) -> None:
        while self._reaps:
            await self._branches.reap(self._reaps.pop(0))
            await self._record_ended()

    async def _settle(self, branch: RunningBranch, prepared: preparation.PreparedRun) -> RunResult | None:
        """Close a branch that ended by itself, and publish its fix when it has one; a result ends the run."""
        try:
            outcome: BranchResult = await branch.handle
        except FailureError as error:
            self._branches.close(branch, Ending.FAILED, explain_failure(error))
            raise
        self._state.add_usage(outcome.unreported)
        record = self._branches.find_record(branch.number)
        if outcome.passed is None:
            self._branches.close(branch, outcome.ending, outcome.reason)
            await self._record_ended()
            return None
        proposed = self._allocator.proposed
        settler = ContestSettler(self._request, self._state, prepared, self._ask_answer, self._begin, proposed)
        settled = await settler.settle(record, outcome)
        outcome, fix, refuted, question, notes = settled.outcome, settled.fix, settled.refuted, settled.question, ""
        if fix is not None:
            gate = LastGate(self._request, self._state, prepared, self._begin, self._ask_approval)
            passage = await gate.judge(record, fix)
            fix, refuted, notes = passage.fix, passage.refuted, passage.notes
        if refuted:
            self._branches.close(branch, Ending.REFUTED, refuted)
            await self._record_ended()
            return None
        await self._begin("publishing the fix")
        self._closing = "is publishing its fix"
        self._branches.close(branch, Ending.PASSED, outcome.reason)
        await self._branches.cancel_all(Ending.CANCELLED, "Cancelled: another branch won.")
        await self._record_ended()
        title = record.strategy.title
        change = publication.describe_change(self._state.genealogy, outcome.reason)
        self._state.set_comparison(outcome.comparison, question)
        published = await publication.publish_fix(
            self._request,
            self._state.genealogy,
            self._branches.checkpoints,
            fix,
            publication.write_message(self._state.genealogy, change, title, notes),
            approved=self._state.find_decisions(Effect.SUPERVISED),
        )
        await retrieval.remember_fix(self._request, prepared.snapshot, prepared.issue, record.attempts[-1].facts)
        return RunResult(
            verdict=Verdict.AMBIGUOUS if question else Verdict.FIXED,
            reason=f"b{branch.number:02d} {title}: {change}",
            published=published.branch,
            commit=published.commit,
            note=published.note,
            contest=outcome.contest if question else None,
        )

    async def _approve_test(self, report: TestReport) -> str:
        """Have a person decide about a test that a model drafted, where that was asked for."""
        return await self._ask_approval(ask_about_test(report)) if self._request.require_approval else ""

    async def _ask_approval(self, wait: PersonWait) -> str:
        """Wait for a person to approve or reject a fix, or a test; return why it is rejected, if it is."""
        self._asks_approval, self._rejected = wait.subject, None
        why = f"; {wait.why}" if wait.why else ""
        approve = format_command("hydra", "approve", self._state.genealogy.run_id)
        what = " of the drafted test" if wait.subject is WaitSubject.TEST else ""
        self._state.set_state(f"waiting for approval{what}: {approve} (or reject){why}")
        self._state.ask_person(wait)
        await self._wait_for(lambda: not self._asks_approval)
        self._state.hear_person()
        return self._rejected or ""

    async def _ask_answer(self, wait: PersonWait) -> BehaviourAnswer:
        """Wait for a person to say what is right."""
        self._asked, self._answer = wait.question, None
        command = format_command("hydra", "answer", self._state.genealogy.run_id)
        self._state.set_state(f"waiting for an answer: {command} 1 (or 2, or neither)")
        self._state.ask_person(wait)
        await self._wait_for(lambda: self._answer is not None)
        self._state.hear_person()
        assert self._answer is not None
        return self._answer

    async def _record_ended(self) -> None:
        for branch in self._branches.take_closed():
            await publication.record_branch(self._state.genealogy, branch)

    async def _conclude(self, result: RunResult) -> None:
        """Keep the checkpoints of a run without a fix, and put the verdict on record."""
        try:
            if not result.verdict.has_fix and self._branches.checkpoints:
                await publication.publish_fix(self._request, self._state.genealogy, self._branches.checkpoints, None)
        except ActivityError as error:
            workflow.logger.warning("the checkpoints were not kept: %s", error.cause)
        self._state.end(result)
        try:
            await self._record_ended()
            await publication.record_run(self._state.genealogy)
            if self._prepared is not None:
                await self._allocator.record_skills(self._prepared)
            await publication.forget_variables(self._request, self._state.genealogy)
            if workflow.patched("record-log"):
                await publication.record_log(self._state.genealogy, result)
        except ActivityError as error:
            # Who waits for the verdict gets it all the same, and the workflow's history has what the record lacks.
            workflow.logger.error("the run is not on record: %s", error.cause)
