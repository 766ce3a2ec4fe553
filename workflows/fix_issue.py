"""FixIssueWorkflow: one repository, one issue; starts branches, reaps and replaces them, publishes the fix."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from hydranet import budget
    from hydranet.contracts import (
        FIX_WORKFLOW,
        AttemptReport,
        BranchResult,
        Checkpoint,
        FixRequest,
        ReapRequest,
        RunResult,
    )
    from hydranet.genealogy import Ending, Genealogy, Verdict
    from hydranet.policy.constitution import Effect
    from hydranet.strategy import TEMPLATES
    from workflows import preparation, retrieval
    from workflows import publication as keeping
    from workflows.branches import Branches, RunningBranch
    from workflows.policies import explain_failure
    from workflows.run_state import RunState
    from workflows.strategies import StrategySupply


@workflow.defn(name=FIX_WORKFLOW)
class FixIssueWorkflow:
    """Decides; the activities do. Its genealogy is what every view of the run shows."""

    @workflow.init
    def __init__(self, request: FixRequest) -> None:
        self._request = request
        self._state = RunState(request)
        self._branches = Branches(request, self._state)
        self._supply = StrategySupply(request, request.seed or self._state.genealogy.run_id)
        self._prepared: preparation.PreparedRun | None = None
        self._reaps: list[ReapRequest] = []
        self._aborted: str | None = None
        self._approved: bool | None = None

    @workflow.query
    def genealogy(self) -> Genealogy:
        """The tree as it stands."""
        return self._state.genealogy

    @workflow.signal
    async def pause(self) -> None:
        """Begin no further step until resumed; a step that is under way finishes."""
        if not self._state.clock.paused:
            self._state.pause()
            await self._branches.signal_all("pause")

    @workflow.signal
    async def resume(self) -> None:
        """Go on after a pause."""
        if self._state.clock.paused:
            self._state.resume()
            await self._branches.signal_all("resume")

    @workflow.signal
    def abort(self, reason: str) -> None:
        """End the run: cancel what is under way, publish nothing."""
        self._aborted = reason or "Aborted by hand."

    @workflow.signal
    async def override(self, instruction: str) -> None:
        """Put an instruction into the next PLAN or REFLECT of every branch, and into later strategies."""
        self._state.add_instruction(instruction)
        await self._branches.signal_all("override", instruction)

    @workflow.signal
    def reap(self, request: ReapRequest) -> None:
        """End a branch and start the next strategy: from the branch itself, or by hand."""
        self._reaps.append(request)

    @workflow.signal
    def attempt_made(self, report: AttemptReport) -> None:
        """Take an attempt into the genealogy."""
        if reap := self._branches.add_attempt(report):
            self._reaps.append(reap)

    @workflow.signal
    def interrupted(self, seconds: float) -> None:
        """Leave out of the time budget what passed while nothing ran, such as a night switched off."""
        self._state.clock.leave_out(seconds)

    @workflow.signal
    def approve(self) -> None:
        """Let the verified fix be published."""
        self._approved = True

    @workflow.signal
    def reject(self) -> None:
        """Refuse the verified fix; the search goes on."""
        self._approved = False

    @workflow.run
    async def run(self, request: FixRequest) -> RunResult:  # noqa: ARG002 - taken by __init__
        """Pursue strategies until one is verified, or nothing is left to try or to spend."""
        search, watch = asyncio.create_task(self._search()), asyncio.create_task(self._watch())
        try:
            await workflow.wait_condition(lambda: search.done() or self._aborted is not None)
        except asyncio.CancelledError:
            self._aborted = "Cancelled from Temporal."
        if self._aborted is not None and not search.done():
            self._state.set_state("aborting")
            # More than once: a step that completes in the same moment swallows a cancel.
            while not search.done():
                search.cancel()
                await workflow.wait([search], timeout=2)
        watch.cancel()
        result = self._result(search)
        if result.verdict is Verdict.EXHAUSTED:
            await self._branches.cancel_all(Ending.SPENT, result.reason)
        else:
            await self._branches.cancel_all(Ending.CANCELLED, f"Cancelled: the run ended: {result.verdict}.")
        return await self._conclude(result)

    def _result(self, search: "asyncio.Task[RunResult]") -> RunResult:
        if search.cancelled() or self._aborted is not None:
            return RunResult(verdict=Verdict.ABORTED, reason=self._aborted or "Cancelled.")
        error = search.exception()
        if error is None:
            return search.result()
        if not isinstance(error, FailureError):
            raise error
        # Before there is any ground to search on, it is the input or the set-up that is wrong.
        return RunResult(verdict=Verdict.FAILED, reason=explain_failure(error), refused=self._prepared is None)

    async def _search(self) -> RunResult:
        self._prepared = prepared = await self._prepare()
        while True:
            await workflow.wait_condition(lambda: not self._state.clock.paused)
            if reason := self._breach():
                return RunResult(verdict=Verdict.EXHAUSTED, reason=reason)
            await self._start_branches(prepared)
            if not self._branches.running:
                reason = self._supply.reason or "No strategy is left to try."
                return RunResult(verdict=Verdict.EXHAUSTED, reason=reason)
            await self._next_event()
            await self._reap_requested()
            for branch in self._branches.list_ended():
                if result := await self._settle(branch, prepared):
                    return result

    async def _prepare(self) -> preparation.PreparedRun:
        request, page = self._request, self._state
        page.set_state("taking a snapshot of the repository")
        snapshot = await preparation.take_snapshot(request)
        page.set_base(snapshot.commit)
        loading = asyncio.create_task(preparation.load_model(request.model))
        page.set_state("preparing the sandbox")
        environment = await preparation.prepare_environment(request, snapshot)
        page.set_environment(environment.note)
        page.set_state("running the tests at the base commit")
        baseline = await preparation.run_baseline(request, snapshot, environment)
        page.set_target(baseline)
        await keeping.record_run(self._state.genealogy)
        page.set_state("looking for the cause")
        templates = request.model == TEMPLATES or request.templates_first
        surveyed = await preparation.prepare_run(request, snapshot, environment, baseline, templates)
        page.set_shown(surveyed.retrieval)
        await loading
        return surveyed

    async def _start_branches(self, ground: preparation.PreparedRun) -> None:
        while len(self._branches.running) < self._request.parallel_branches and not self._branches_spent():
            self._state.set_state("choosing a strategy")
            work = ground.inference_context(self._state.genealogy.run_id, self._request.model)
            strategy = await self._supply.take_next(work, self._state.genealogy, self._state.instruction)
            self._state.add_usage(self._supply.take_usage())
            if strategy is None:
                break
            left = budget.tokens_left(self._request.budget.tokens or None, self._state.genealogy.usage.tokens)
            await self._branches.start(strategy, ground, tokens_left=left)
        self._state.set_state("working")

    def _branches_spent(self) -> bool:
        return len(self._state.genealogy.branches) >= self._request.budget.branches

    def _breach(self) -> str | None:
        """What limit ends the run now; running branches may use the last of the branch budget, and a fix is heard."""
        if self._branches.has_passing_attempt:
            return None
        return budget.find_breach(
            self._request.budget,
            attempts=self._state.genealogy.attempts,
            branches=0 if self._branches.running else len(self._state.genealogy.branches),
            tokens=self._state.genealogy.usage.tokens,
            seconds=self._state.clock.seconds,
        )

    async def _next_event(self) -> None:
        """Wait until a branch reported or ended, the Reaper or a person spoke, or the time is up."""
        seen = self._state.genealogy.attempts
        await workflow.wait_condition(
            lambda: (
                bool(self._reaps)
                or bool(self._branches.list_ended())
                or self._state.genealogy.attempts > seen
                or self._state.clock.seconds >= self._request.budget.seconds
            )
        )

    async def _watch(self) -> None:
        """Wake the search when its time is up; one timer, unless the run was paused or interrupted meanwhile."""
        while (left := self._request.budget.seconds - self._state.clock.seconds) > 0:
            await workflow.sleep(left, summary="time budget")

    async def _reap_requested(self) -> None:
        while self._reaps:
            request = self._reaps.pop(0)
            await self._branches.reap(request)
            await self._record_ended()

    async def _settle(self, branch: RunningBranch, prepared: preparation.PreparedRun) -> RunResult | None:
        """Settle a branch that ended by itself; a result ends the run."""
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
        if refuted := await self._refute(branch, outcome.passed, prepared):
            self._branches.close(branch, Ending.REFUTED, refuted)
            await self._record_ended()
            return None
        self._branches.close(branch, Ending.PASSED, outcome.reason)
        await self._branches.cancel_all(Ending.CANCELLED, "Cancelled: another branch won.")
        await self._record_ended()
        title = record.strategy.title
        message = f"{self._request.title}\n\n{outcome.reason}\n\n{title}"
        publication = await keeping.publish_fix(
            self._request, self._state.genealogy, self._branches.checkpoints, outcome.passed, message
        )
        context = prepared.retrieval.context
        await retrieval.remember_fix(self._request, prepared.snapshot, context, record.attempts[-1].facts)
        return RunResult(
            verdict=Verdict.FIXED,
            reason=f"b{branch.number:02d} {title}: {outcome.reason}",
            published=publication.branch,
            commit=publication.commit,
            note=publication.note,
        )

    async def _refute(self, branch: RunningBranch, passed: Checkpoint, prepared: preparation.PreparedRun) -> str:
        """Why a passing checkpoint is no fix after all; empty when it is verified and, if asked for, approved."""
        self._state.set_state(f"verifying b{branch.number:02d} on a clean checkout")
        report = await preparation.run_tests(
            self._request,
            prepared.snapshot,
            passed,
            prepared.environment,
            "verify on a clean checkout",
        )
        self._state.add_flaky(report)
        if not report.passed:
            return f"Verification on a clean checkout failed: {report.reason}"
        supervised = [one for one in self._request.decisions if one.effect is Effect.SUPERVISED]
        if not self._request.require_approval and not supervised:
            return ""
        self._approved = None
        self._state.set_state(f"waiting for approval: hydra approve {self._state.genealogy.run_id} (or reject)")
        await workflow.wait_condition(lambda: self._approved is not None)
        self._state.add_decision(bool(self._approved))
        return "" if self._approved else "Rejected by hand."

    async def _record_ended(self) -> None:
        for branch in self._branches.take_closed():
            await keeping.record_branch(self._state.genealogy, branch)

    async def _conclude(self, result: RunResult) -> RunResult:
        """Keep the checkpoints of a run without a fix, and put the verdict on record."""
        try:
            if result.verdict is not Verdict.FIXED and self._branches.checkpoints:
                await keeping.publish_fix(self._request, self._state.genealogy, self._branches.checkpoints, None)
        except ActivityError as error:
            workflow.logger.warning("the checkpoints were not kept: %s", error.cause)
        self._state.end(result)
        await self._record_ended()
        await keeping.record_run(self._state.genealogy)
        return result
