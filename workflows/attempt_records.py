"""An attempt in the making, and what it leaves behind: its record, its digest, the branch's state after it."""

from dataclasses import dataclass, field
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.allocation import Draws
    from hydranet.budget import Spent, Usage
    from hydranet.contracts import (
        AttemptDigest,
        BranchRequest,
        BranchResult,
        BranchState,
        Checkpoint,
        ImplementAnswer,
        Investigation,
        OpenContest,
        Plan,
        PlanAnswer,
        ReflectAnswer,
        StepRequest,
        Trial,
        Work,
    )
    from hydranet.convergence.score import MEMORY, Attempt, Score, score_attempt
    from hydranet.genealogy import AttemptRecord, Ending, Outcome
    from hydranet.patches import Patch
    from hydranet.random_seed import derive_seed
    from hydranet.run_settings import ConvergenceSettings
    from hydranet.strategy import TEMPLATES


@dataclass
class AttemptDraft:
    """An attempt in the making: what each of its phases has brought so far."""

    number: int
    began: datetime
    instruction: str = ""
    reflection: ReflectAnswer = field(default_factory=ReflectAnswer)
    planning: PlanAnswer = field(default_factory=lambda: PlanAnswer(plan=Plan(summary="")))
    investigation: Investigation = field(default_factory=Investigation)
    implementation: ImplementAnswer = field(default_factory=ImplementAnswer)
    parent: Checkpoint | None = None
    trial: Trial | None = None
    checkpoint: Checkpoint | None = None

    @property
    def usage(self) -> Usage:
        """What its model calls cost together."""
        return self.reflection.usage + self.planning.usage + self.implementation.usage

    @property
    def tested(self) -> int:
        """How many of its candidates the branch is done with."""
        return self.implementation.count - (self.trial.left if self.trial else 0)


def make_step(request: BranchRequest, state: BranchState, number: int, instruction: str) -> StepRequest:
    """Return what a model is asked for in an attempt."""
    last = state.facts[-1] if state.facts else None
    return StepRequest(
        work=Work(
            run_id=request.run_id,
            model=request.model,
            snapshot=request.snapshot,
            checkpoint=state.best,
            context=state.context or request.context,
            spectrum=request.spectrum,
            base=request.base,
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


def take_candidates(request: BranchRequest) -> ImplementAnswer:
    """Return the fixes of another run as what an attempt tries."""
    return ImplementAnswer(
        candidates=request.candidates,
        count=request.candidate_count,
        exhausted=True,
        reason="None of the fixes that passed before is left.",
    )


def build_result(draft: AttemptDraft, record: AttemptRecord) -> BranchResult:
    """Return how a branch ends whose attempt has passed."""
    trial, contest = draft.trial, None
    if trial and trial.contest and trial.question and draft.parent:
        contest = OpenContest(contest=trial.contest, parent=draft.parent, question=trial.question)
    return BranchResult(
        ending=Ending.PASSED,
        reason=record.summary,
        passed=draft.checkpoint,
        parent=draft.parent,
        diff=trial.diff if trial else None,
        comparison=trial.comparison if trial else None,
        contest=contest,
    )


def build_facts(draft: AttemptDraft) -> Attempt:
    """Return what convergence is computed from."""
    commands, trial = draft.investigation.commands, draft.trial
    if trial is None:
        return Attempt(commands=commands, passed=False)
    return Attempt(
        patch=trial.patch,
        error=trial.report.error,
        failing_tests=trial.report.failing,
        failing_count=trial.report.failing_count,
        commands=commands,
        passed=trial.report.passed,
    )


def list_spent(draft: AttemptDraft) -> tuple[Spent, ...]:
    """Return what the model calls cost, by purpose; steps without a call are left out."""
    usages = {
        "reflect": draft.reflection.usage,
        "plan": draft.planning.usage,
        "implement": draft.implementation.usage,
    }
    return tuple(Spent(purpose=purpose, usage=usage) for purpose, usage in usages.items() if usage.calls)


def decide_outcome(answer: ImplementAnswer, trial: Trial | None) -> tuple[Outcome, str]:
    """Return what became of the attempt, and why."""
    if trial is None:
        return Outcome.NO_PATCH, answer.reason or "No patch could be made of the answer."
    if trial.refused:
        return Outcome.REFUSED, trial.refused
    if trial.report.passed:
        count = trial.report.passing_count
        return Outcome.PASSED, "The only test passes." if count == 1 else f"All {count:,} tests pass."
    return Outcome.FAILED, trial.report.reason


def count_draws(request: BranchRequest, draft: AttemptDraft) -> Draws:
    """Return what became of the draws of an attempt, but for one that passes; a batch of templates is one draw."""
    answer, facts = draft.implementation, build_facts(draft)
    if facts.passed:
        return Draws()
    if request.strategy.model == TEMPLATES:
        # Of a hundred candidates one makes some tests pass by accident: it says nothing of the place.
        return Draws(repeats=1)
    # Some tests of the target pass, and no other fails: the place has something to do with it.
    partial = bool(facts.failing_tests) and facts.failing_count < request.target_count
    partial = partial and set(facts.failing_tests) <= set(request.target)
    draws = answer.draws
    if not draws.count:
        draws = Draws(fails=answer.count) if answer.count else Draws(unusable=1)
    return draws.model_copy(update={"fails": draws.fails - 1, "partial": 1}) if partial and draws.fails else draws


def build_record(request: BranchRequest, draft: AttemptDraft, state: BranchState, now: datetime) -> AttemptRecord:
    """Return the attempt as it stays on record, scored against those before it, without its checkpoint."""
    facts, trial, answer = build_facts(draft), draft.trial, draft.implementation
    outcome, reason = decide_outcome(answer, trial)
    return AttemptRecord(
        number=draft.number,
        summary=(trial.title if trial else "") or answer.summary or draft.planning.plan.summary,
        outcome=outcome,
        reason=reason,
        score=_score(facts, state, request.convergence),
        facts=facts,
        passing=trial.report.passing_count if trial else 0,
        candidates=trial.tried if trial else 0,
        draws=count_draws(request, draft),
        prompt=answer.prompt,
        shown=answer.shown,
        spent=list_spent(draft),
        seconds=(now - draft.began).total_seconds(),
        test_seconds=trial.seconds if trial else 0.0,
    )


def build_digest(record: AttemptRecord) -> AttemptDigest:
    """Return the attempt as the next prompt tells it."""
    commands = record.facts.commands
    return AttemptDigest(
        number=record.number,
        summary=record.summary,
        looked="; ".join(f"{command.command}{' (refused)' if command.refused else ''}" for command in commands),
        patch=_excerpt(record.facts.patch),
        reason=record.reason,
        failing_count=record.facts.failing_count,
    )


def advance_branch(
    request: BranchRequest, state: BranchState, draft: AttemptDraft, record: AttemptRecord
) -> BranchState:
    """Return the branch's state after an attempt: the next one starts from the best checkpoint."""
    report = draft.trial.report if draft.trial else None
    best, failing = state.best, state.best_failing
    if draft.checkpoint is not None and _is_better(request, state, record):
        best, failing = draft.checkpoint, record.facts.failing_count
    return BranchState(
        attempts=record.number,
        tokens=state.tokens + record.usage.tokens,
        tried=state.tried + draft.tested,
        facts=(*state.facts, record.facts)[-MEMORY:],
        history=(*state.history, build_digest(record))[-3:],
        plan=draft.planning.plan,
        reflection=state.reflection,
        best=best,
        best_failing=failing,
        tail=report.tail if report and report.tail else state.tail,
        results=report.results if report else state.results,
        context=state.context,
    )


def _is_better(request: BranchRequest, state: BranchState, record: AttemptRecord) -> bool:
    return request.strategy.model != TEMPLATES and record.facts.improves_on(state.best_failing, request.target)


def _score(facts: Attempt, state: BranchState, settings: ConvergenceSettings) -> Score:
    score = score_attempt((*state.facts, facts), settings)
    # The state holds the last attempts only, but the nearest is named by its number in the branch.
    forgotten = state.attempts - len(state.facts)
    return score.model_copy(update={"nearest": score.nearest and score.nearest + forgotten})


def _excerpt(patch: Patch, limit: int = 400) -> str:
    """Return the changed lines of a patch as a diff shows them, cut at `limit` characters."""
    lines = []
    for edit in patch.edits:
        lines.append(f"{edit.file}:{edit.start}")
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
    return "\n".join(lines)[:limit]
