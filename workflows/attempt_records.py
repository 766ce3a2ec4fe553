"""What an attempt leaves behind: the facts it is scored by, its outcome, its record, its digest."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.budget import Spent
    from hydranet.contracts import AttemptDigest, ImplementAnswer, Investigation, PlanAnswer, ReflectAnswer, Trial
    from hydranet.convergence.score import Attempt, Score
    from hydranet.genealogy import AttemptRecord, Outcome
    from hydranet.patches import Patch


def build_facts(trial: Trial | None, looked: Investigation) -> Attempt:
    """What convergence is computed from."""
    if trial is None:
        return Attempt(commands=looked.commands)
    return Attempt(
        patch=trial.patch,
        error=trial.report.error,
        failing_tests=trial.report.failing,
        failing_count=trial.report.failing_count,
        commands=looked.commands,
    )


def list_spent(reflected: ReflectAnswer | None, planned: PlanAnswer, answer: ImplementAnswer) -> tuple[Spent, ...]:
    """What the model calls cost, by purpose; steps without a call are left out."""
    usages = {"plan": planned.usage, "implement": answer.usage}
    if reflected is not None:
        usages = {"reflect": reflected.usage, **usages}
    return tuple(Spent(purpose=purpose, usage=usage) for purpose, usage in usages.items() if usage.calls)


def decide_outcome(answer: ImplementAnswer, trial: Trial | None) -> tuple[Outcome, str]:
    """What became of the attempt, and why."""
    if trial is None:
        return Outcome.NO_PATCH, answer.reason or "No patch could be made of the answer."
    if trial.refused:
        return Outcome.REFUSED, trial.refused
    if trial.report.passed:
        return Outcome.PASSED, f"All {trial.report.passing_count} tests pass."
    return Outcome.FAILED, trial.report.reason


def build_record(
    number: int,
    reflected: ReflectAnswer | None,
    planned: PlanAnswer,
    answer: ImplementAnswer,
    trial: Trial | None,
    scored: Attempt,
    score: Score,
    took: timedelta,
) -> AttemptRecord:
    """The attempt as it stays on record, without the checkpoint that is made of it."""
    ended, reason = decide_outcome(answer, trial)
    return AttemptRecord(
        number=number,
        summary=(trial.title if trial else "") or answer.summary or planned.plan.summary,
        outcome=ended,
        reason=reason,
        score=score,
        facts=scored,
        passing=trial.report.passing_count if trial else 0,
        candidates=trial.tried if trial else 0,
        prompt=answer.prompt,
        shown=answer.shown,
        spent=list_spent(reflected, planned, answer),
        seconds=took.total_seconds(),
    )


def _excerpt(patch: Patch, limit: int = 400) -> str:
    """The changed lines of a patch as a diff shows them, cut at `limit` characters."""
    lines = []
    for edit in patch.edits:
        lines.append(f"{edit.file}:{edit.start}")
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
    return "\n".join(lines)[:limit]


def build_digest(record: AttemptRecord) -> AttemptDigest:
    """The attempt as the next prompt tells it."""
    return AttemptDigest(
        number=record.number,
        summary=record.summary,
        looked="; ".join(f"{one.command}{' (refused)' if one.refused else ''}" for one in record.facts.commands),
        patch=_excerpt(record.facts.patch),
        reason=record.reason,
        failing_count=record.facts.failing_count,
    )
