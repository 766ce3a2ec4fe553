"""Publication: the fix and the checkpoints go into the user's repository, the genealogy into the records."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.artifacts.records import RecordActivities
    from activities.checkpoints.activities import RepositoryActivities
    from activities.history.activities import HistoryActivities
    from hydranet.contracts import (
        ArtifactRef,
        Checkpoint,
        FixRequest,
        NamedCheckpoint,
        Publication,
        PublishRequest,
        RecordLogRequest,
        RecordRequest,
        Review,
        RunResult,
    )
    from hydranet.genealogy import BranchRecord, Genealogy
    from hydranet.policy.constitution import Decision
    from hydranet.strategy import slugify
    from hydranet.text.escaping import format_command
    from workflows import policies

# Nothing is lost by giving up: while Temporal has the history, a sweep keeps the log later.
_LOG_PATIENCE = timedelta(minutes=1)


async def review_fix(request: FixRequest, genealogy: Genealogy, fix: Checkpoint, issue: ArtifactRef) -> Review:
    """Return what the constitution does not simply allow of a fix, and what the reviewer objects to."""
    own = {"fix": fix, "tests": genealogy.target_tests, "issue": issue}
    return await workflow.execute_activity_method(
        RepositoryActivities.review_fix,
        _describe(request, genealogy).model_copy(update=own),
        **policies.for_repository("review the fix", request.host),
    )


def describe_change(genealogy: Genealogy, summary: str) -> str:
    """Return what a fix does, and which tests of the run's own it passes."""
    written = genealogy.written_tests
    return f"{summary.rstrip('.')}. It passes a test that the run wrote: {written}." if written else summary


def write_message(genealogy: Genealogy, change: str, strategy: str, notes: str = "") -> str:
    """Return the message of the commit that is a fix: the issue, the change, what the tests leave open, and `notes`."""
    parts = [genealogy.title, change, strategy]
    if genealogy.comparison and genealogy.comparison.behaviours > 1:
        parts.append(genealogy.comparison.sentence)
    parts += [f"Answered by {answer.sender or 'a person'}: {answer.sentence}." for answer in genealogy.answers]
    if genealogy.question:
        command = format_command("hydra", "answer", genealogy.run_id)
        parts.append(f"Ambiguous: {genealogy.question.text} This fix does the first. `{command} 1` (or 2) settles it.")
        if genealogy.question.vote:
            parts.append(f"The vote of a model: {genealogy.question.vote.sentence}")
    return "\n\n".join(filter(None, [*parts, notes]))


async def publish_fix(
    request: FixRequest,
    genealogy: Genealogy,
    checkpoints: Mapping[str, Checkpoint],
    fix: Checkpoint | None,
    message: str = "",
    approved: tuple[Decision, ...] = (),
) -> Publication:
    """Put the checkpoints, and the fix if there is one, into the user's repository."""
    named = (NamedCheckpoint(name=name, checkpoint=checkpoint) for name, checkpoint in checkpoints.items())
    own = {"fix": fix, "message": message, "approved": approved, "checkpoints": tuple(named)}
    return await workflow.execute_activity_method(
        RepositoryActivities.publish_fix,
        PublishRequest.model_validate({**dict(_describe(request, genealogy)), **own}),
        **policies.for_repository("publish the fix" if fix else "keep the checkpoints", request.host),
    )


def _describe(request: FixRequest, genealogy: Genealogy) -> PublishRequest:
    return PublishRequest(
        repository_path=request.repository_path,
        run_id=genealogy.run_id,
        slug=slugify(request.title, 48, genealogy.run_id.removeprefix("fix-")),
        base=genealogy.base,
        fix=None,
        apply=request.apply,
    )


async def record_run(genealogy: Genealogy) -> None:
    """Put the run, without its branches, on record."""
    run = genealogy.model_copy(update={"branches": ()})
    await _record(RecordRequest(run_id=genealogy.run_id, run=run))


async def record_branch(genealogy: Genealogy, branch: BranchRecord) -> None:
    """Put a branch that ended on record."""
    await _record(RecordRequest(run_id=genealogy.run_id, branch=branch))


async def forget_variables(request: FixRequest, genealogy: Genealogy) -> None:
    """Remove the values of the run's variables, if it has any."""
    if request.sandbox.env:
        await workflow.execute_activity_method(
            RecordActivities.forget_variables,
            genealogy.run_id,
            **policies.for_supervisor("remove the values of variables"),
        )


async def record_log(genealogy: Genealogy, result: RunResult) -> None:
    """Keep the log of the run, which Temporal forgets; a run that cannot have it kept ends all the same, and soon."""
    request = RecordLogRequest(run_id=genealogy.run_id, result=result)
    options = policies.for_supervisor("keep the log of the run")
    options["schedule_to_close_timeout"] = _LOG_PATIENCE
    await workflow.execute_activity_method(HistoryActivities.record_log, request, **options)


async def _record(request: RecordRequest) -> None:
    await workflow.execute_activity_method(
        RecordActivities.record_genealogy, request, **policies.for_supervisor("record the genealogy")
    )
