"""The branches of a run: child workflows that are started, told what people say, reaped and closed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Concatenate

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from hydranet import checkpoint
    from hydranet.contracts import (
        SUPERVISOR_QUEUE,
        AttemptReport,
        BranchRequest,
        BranchResult,
        Checkpoint,
        FixRequest,
        Grant,
        Settlement,
    )
    from hydranet.convergence import reaper
    from hydranet.convergence.score import score_attempt
    from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Outcome
    from hydranet.lesson import draw_lesson
    from hydranet.strategy import TEMPLATES, Strategy, slugify
    from workflows.branch import BranchWorkflow
    from workflows.preparation import PreparedRun
    from workflows.reap_order import ReapOrder
    from workflows.run_state import RunState, count_reap
    from workflows.sandbox_host import SandboxHost

# How many dead branches a prompt is told of.
DEAD_LINES = 6


@dataclass(frozen=True)
class RunningBranch:
    """A branch's child workflow."""

    number: int
    handle: workflow.ChildWorkflowHandle[BranchWorkflow, BranchResult]


class Branches:
    """All branches of one run, running and closed."""

    def __init__(self, request: FixRequest, state: RunState) -> None:
        self._request = request
        self._state = state
        self._closed: list[int] = []
        self._best: Checkpoint | None = None
        self._best_failing = 0
        self._best_of_model = False
        self._starting = asyncio.Lock()
        self._waiting: set[int] = set()
        self._sandbox: SandboxHost | None = None
        self.running: list[RunningBranch] = []
        self.checkpoints: dict[str, Checkpoint] = {}

    async def start(
        self, strategy: Strategy, prepared: PreparedRun, *, tokens_left: int | None, fixes: Settlement | None = None
    ) -> None:
        """Start a branch from the best checkpoint or, for templates, from the best of a model, or try `fixes` by it."""
        # Shielded, so that a search that is cancelled meanwhile leaves no child without a handle to end it by.
        await asyncio.shield(self._start(strategy, prepared, tokens_left, fixes))

    async def _start(
        self, strategy: Strategy, prepared: PreparedRun, tokens_left: int | None, fixes: Settlement | None
    ) -> None:
        async with self._starting:
            handle = await self._start_child(strategy, prepared, tokens_left, fixes)
            self.running.append(handle)

    async def _start_child(
        self, strategy: Strategy, prepared: PreparedRun, tokens_left: int | None, fixes: Settlement | None
    ) -> RunningBranch:
        self._sandbox = prepared.sandbox
        number = len(self._state.genealogy.branches) + 1
        start, failing = self._choose_start(strategy, prepared)
        record = BranchRecord(
            number=number,
            id=f"{self._state.genealogy.run_id}/b{number:02d}-{slugify(strategy.title)}",
            strategy=strategy,
            start=start.commit,
            began=self._state.clock.seconds,
        )
        self._state.put_branch(record)
        handle = await workflow.start_child_workflow(
            BranchWorkflow.run,
            BranchRequest(
                run_id=self._state.genealogy.run_id,
                number=number,
                strategy=strategy,
                start=start,
                start_failing=failing,
                model=self._request.model,
                repository_path=self._request.repository_path,
                **prepared.describe_to_branch(alone=self._request.parallel_branches == 1),
                sandbox=self._request.sandbox,
                convergence=self._request.convergence,
                reaper=self._request.reaper,
                seed=self._request.seed,
                attempts=self._attempts_left(),
                granted=1 if self._request.allocation == "value" else None,
                tokens=tokens_left,
                dead=self._describe_dead(),
                instruction=self._state.instruction,
                answers=self._state.genealogy.answers,
                candidates=fixes.candidates if fixes else None,
                candidate_count=fixes.count if fixes else 0,
                paused=self._state.clock.paused,
            ),
            id=record.id,
            task_queue=SUPERVISOR_QUEUE,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            static_summary=f"b{number:02d} {strategy.title}",
            static_details=strategy.rationale,
        )
        return RunningBranch(number, handle)

    def add_attempt(self, report: AttemptReport) -> ReapOrder | None:
        """Take an attempt into its branch's record, and keep the best checkpoint of the run.

        A branch's first attempt is scored here, against those of dead branches, since a new title is not a new
        strategy. Return the order to reap the branch when it repeats one of them. A template never makes a change
        twice, so the first batch of a branch of templates repeats nothing.
        """
        if all(branch.number != report.branch for branch in self._state.genealogy.branches):
            workflow.logger.warning("an attempt of branch %d was dropped: there is none", report.branch)
            return None
        if report.waits:
            self._waiting.add(report.branch)
        record = self.find_record(report.branch)
        reap = None
        if report.record.number == 1 and record.strategy.model != TEMPLATES:
            report, reap = self._score_novelty(report)
        self._state.add_attempt(record, report.record)
        self._state.add_test_notes(report.notes)
        if self._sandbox is not None:
            self._sandbox.follow(report.move)
        if report.checkpoint is not None:
            name = checkpoint.format_name(report.branch, report.record.number)
            self.checkpoints[name] = report.checkpoint
            self._keep_best(report.record, report.checkpoint, of_model=record.strategy.model != TEMPLATES)
        return reap

    @property
    def waiting(self) -> list[int]:
        """The numbers of the branches that wait for a further attempt to be granted, suspended ones among them."""
        return sorted(self._waiting)

    @property
    def active(self) -> list[RunningBranch]:
        """The branches that are making an attempt."""
        return [branch for branch in self.running if branch.number not in self._waiting]

    async def grant_attempt(self, number: int, *, tokens_left: int | None) -> None:
        """Let a branch that waits make one more attempt."""
        branch = next(branch for branch in self.running if branch.number == number)
        record = self.find_record(number)
        self._waiting.discard(number)
        if record.ending is Ending.SUSPENDED:
            self._state.resume_branch(record)
        move = self._sandbox.move if self._sandbox else None
        grant = Grant(attempts=len(record.attempts) + 1, tokens=tokens_left, move=move)
        try:
            await branch.handle.signal(BranchWorkflow.go_on, grant)
        except FailureError:
            workflow.logger.info("branch %d ended before it heard that it may go on", number)

    def suspend_waiting(self, explain: Callable[[int], str]) -> None:
        """Note that the branches that wait are left for another, each with the reason that `explain` gives."""
        for number in self.waiting:
            record = self.find_record(number)
            if record.ending is Ending.RUNNING:
                self._state.suspend_branch(record, explain(number))

    @property
    def has_passing_attempt(self) -> bool:
        """Whether a running branch has reported an attempt that passes, and is about to end with it."""
        return any(self.has_passed(branch) for branch in self.running)

    def has_passed(self, branch: RunningBranch) -> bool:
        """Return whether the branch's last attempt passes."""
        return any(attempt.outcome is Outcome.PASSED for attempt in self.find_record(branch.number).attempts[-1:])

    def find_record(self, number: int) -> BranchRecord:
        """Return the record of branch `number`."""
        return next(record for record in self._state.genealogy.branches if record.number == number)

    async def signal_all(
        self, signal: Callable[Concatenate[BranchWorkflow, ...], Awaitable[None]], *arguments: str
    ) -> None:
        """Pass a person's message on to every running branch.

        A branch that is being started knows only what held when it was asked for, so the message waits until it can
        hear it: else a run that shows as paused has a branch that works on.
        """
        async with self._starting:
            for branch in list(self.running):
                try:
                    await branch.handle.signal(signal, args=arguments)
                except FailureError:
                    workflow.logger.info("branch %d ended before it heard %s", branch.number, signal.__name__)

    async def reap(self, order: ReapOrder) -> None:
        """Cancel a branch, wait for its cleanup and record why; one that has passed meanwhile stays as it is."""
        branch = next((branch for branch in self.running if branch.number == order.branch), None)
        try:
            if branch is not None:
                await _cancel(branch)
                order.reaped = not _has_passed(branch)
        finally:
            # Also when the run is aborted meanwhile: who gave the order waits for it.
            order.done = True
        if branch is not None and order.reaped:
            self.close(branch, Ending.REAPED, order.evidence)
            count_reap(order.cause)

    async def cancel_all(self, ending: Ending, reason: str) -> None:
        """Cancel every running branch and wait for their cleanup; a suspended one keeps its own reason."""
        async with self._starting:
            for branch in self.running:
                branch.handle.cancel()
            for branch in list(self.running):
                await workflow.wait([branch.handle])
                record = self.find_record(branch.number)
                suspended = record.ending is Ending.SUSPENDED
                self.close(branch, ending, f"Suspended: {record.reason}" if suspended else reason)

    def list_ended(self) -> Sequence[RunningBranch]:
        """Return the running branches whose child workflow has ended by itself."""
        return [branch for branch in self.running if branch.handle.done()]

    def close(self, branch: RunningBranch, ending: Ending, reason: str) -> None:
        """Record how a branch ended."""
        self.running.remove(branch)
        self._waiting.discard(branch.number)
        self._closed.append(branch.number)
        self._state.close_branch(self.find_record(branch.number), ending, reason)

    def take_closed(self) -> Sequence[BranchRecord]:
        """Return the branches closed since the last call."""
        closed, self._closed = self._closed, []
        return [self.find_record(number) for number in closed]

    def _attempts_left(self) -> int:
        budget = self._request.budget
        if not budget.attempts:
            return budget.attempts_per_branch
        return min(budget.attempts_per_branch, budget.attempts - self._state.genealogy.attempts)

    def _choose_start(self, strategy: Strategy, prepared: PreparedRun) -> tuple[Checkpoint, int]:
        # Of many single edits some make a few tests pass by accident: on top of one of them no other is the fix.
        may_build = strategy.model != TEMPLATES or (self._best_of_model and self._request.allocation == "value")
        if self._best is None or not may_build:
            return prepared.base, prepared.baseline.failing_count
        return self._best, self._best_failing

    def _keep_best(self, record: AttemptRecord, checkpoint: Checkpoint, *, of_model: bool) -> None:
        genealogy, facts = self._state.genealogy, record.facts
        fewest = self._best_failing if self._best is not None else genealogy.target_count
        if facts.improves_on(fewest, genealogy.target_tests):
            self._best, self._best_failing, self._best_of_model = checkpoint, facts.failing_count, of_model

    def _score_novelty(self, report: AttemptReport) -> tuple[AttemptReport, ReapOrder | None]:
        facts, settings = report.record.facts, self._request.convergence
        dead = [attempt.facts for branch in self._list_dead() for attempt in branch.attempts]
        score = score_attempt((facts,), settings, dead)
        scored = report.model_copy(update={"record": report.record.model_copy(update={"score": score})})
        evidence = reaper.judge((facts,), score, settings)
        if evidence is None or not self._request.reaper or report.record.outcome is Outcome.PASSED:
            return scored, None
        return scored, ReapOrder(report.branch, evidence, "repeated")

    def _list_dead(self) -> list[BranchRecord]:
        alive = (Ending.RUNNING, Ending.SUSPENDED)
        return [branch for branch in self._state.genealogy.branches if branch.ending not in alive]

    def _describe_dead(self) -> tuple[str, ...]:
        target = self._state.genealogy.target_count
        return tuple(f"{b.strategy.title}: {draw_lesson(b, target).failed}" for b in self._list_dead()[-DEAD_LINES:])


async def _cancel(branch: RunningBranch) -> None:
    """Cancel a branch and wait for its cleanup."""
    branch.handle.cancel()
    await workflow.wait([branch.handle])


def _has_passed(branch: RunningBranch) -> bool:
    # A child may have ended with a fix before the cancel reached it.
    if branch.handle.cancelled() or branch.handle.exception() is not None:
        return False
    return branch.handle.result().passed is not None
