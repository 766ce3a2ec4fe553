"""Rivals of a fix that passes: other changes that pass the same tests, looked for before it is called a fix."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inference.activities import InferenceActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet.contracts import (
        BranchResult,
        Checkpoint,
        CommitRequest,
        FixRequest,
        Incumbent,
        OpenContest,
        StepRequest,
        Trial,
        TrialRequest,
    )
    from hydranet.genealogy import BranchRecord, Genealogy
    from hydranet.random_seed import derive_seed
    from hydranet.strategy import TEMPLATES, Strategy
    from workflows import policies
    from workflows.preparation import PreparedRun

# The templates' strategies whose changes are tried beside a fix: a trial ends soon after the fix has passed.
_STRATEGIES = 3
# What the title of a candidate says of others that pass.
_OTHERS = re.compile(r" \(\d+ (?:other )?candidates? pass.*\)$")


def choose_strategies(record: BranchRecord, proposed: Sequence[Strategy]) -> list[Strategy]:
    """Return the strategies of the templates in which rivals of a branch's fix may be: at its place before others."""
    place = (record.strategy.target_files, record.strategy.target_symbols)
    own = [strategy for strategy in proposed if strategy.model == TEMPLATES]
    return sorted(own, key=lambda each: (each.target_files, each.target_symbols) != place)[:_STRATEGIES]


async def find_rivals(
    request: FixRequest,
    genealogy: Genealogy,
    prepared: PreparedRun,
    record: BranchRecord,
    outcome: BranchResult,
    proposed: Sequence[Strategy],
    begin: Callable[[str], Awaitable[None]],
) -> BranchResult:
    """Return how a branch of templates has ended, with the fixes that other strategies have for the same tests.

    The branch's own fix stays where it is the likeliest. `begin` says what begins.
    """
    has_rivals = outcome.comparison is not None and outcome.comparison.behaviours > 1
    if outcome.parent is None or outcome.diff is None or has_rivals:
        return outcome
    strategies = choose_strategies(record, proposed)
    is_of_templates = record.strategy.model == TEMPLATES or request.model == TEMPLATES
    if not strategies or not is_of_templates or not request.sandbox.compare_seconds:
        return outcome
    # Runs that were open before rivals were looked for go on without.
    if not workflow.patched("rivals"):
        return outcome
    await begin(f"looking for other fixes than that of b{record.number:02d}")
    run_id = genealogy.run_id
    work = prepared.inference_context(run_id, request.model).model_copy(update={"checkpoint": outcome.parent})
    steps = [
        StepRequest(
            work=work,
            branch=record.number,
            attempt=1,
            strategy=strategy,
            seed=derive_seed(request.seed or run_id, record.number, 1),
            error=prepared.baseline.error,
        )
        for strategy in strategies
    ]
    options = policies.for_inference("changes that may pass too")
    calls = [workflow.execute_activity_method(InferenceActivities.implement, step, **options) for step in steps]
    answers = await asyncio.gather(*calls)
    usable = [answer.candidates for answer in answers if answer.candidates is not None]
    if not usable:
        return outcome
    trial = await prepared.sandbox.run(
        SandboxActivities.try_candidates,
        TrialRequest(
            snapshot=prepared.snapshot,
            parent=outcome.parent,
            environment=prepared.sandbox.environment,
            spec=request.sandbox,
            baseline=prepared.results,
            candidates=usable[0],
            others=tuple(usable[1:]),
            answers=genealogy.answers,
            incumbent=Incumbent(diff=outcome.diff, title=_OTHERS.sub("", outcome.reason)),
        ),
        "try changes that may pass too",
    )
    return await _take(outcome, outcome.parent, trial, prepared)


async def _take(outcome: BranchResult, parent: Checkpoint, trial: Trial, prepared: PreparedRun) -> BranchResult:
    if not trial.report.passed or trial.comparison is None:
        return outcome
    compared = outcome.model_copy(update={"comparison": trial.comparison})
    if trial.contest is None or trial.question is None:
        return compared
    contest = OpenContest(contest=trial.contest, parent=parent, question=trial.question)
    if trial.index == 0:
        return compared.model_copy(update={"contest": contest})
    fix = await prepared.sandbox.commit(
        CommitRequest(snapshot=prepared.snapshot, parent=parent, diff=trial.diff, message=trial.title),
        "commit the likelier fix",
    )
    better = {"contest": contest, "passed": fix, "diff": trial.diff, "reason": trial.title}
    return compared.model_copy(update=better)
