"""Publication: the fix and the checkpoints go into the user's repository, the genealogy into the records."""

from collections.abc import Mapping

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.artifacts.records import RecordActivities
    from activities.checkpoints.activities import RepositoryActivities
    from hydranet.contracts import (
        Checkpoint,
        FixRequest,
        NamedCheckpoint,
        Publication,
        PublishRequest,
        RecordRequest,
    )
    from hydranet.genealogy import BranchRecord, Genealogy
    from hydranet.strategy import slugify
    from workflows import policies


async def publish_fix(
    request: FixRequest,
    genealogy: Genealogy,
    checkpoints: Mapping[str, Checkpoint],
    fix: Checkpoint | None,
    message: str = "",
) -> Publication:
    """Put the checkpoints, and the fix if there is one, into the user's repository."""
    return await workflow.execute_activity_method(
        RepositoryActivities.publish_fix,
        PublishRequest(
            repository_path=request.repository_path,
            run_id=genealogy.run_id,
            slug=slugify(request.title, 48),
            base=genealogy.base,
            fix=fix,
            message=message,
            apply=request.apply,
            checkpoints=tuple(
                NamedCheckpoint(name=name, checkpoint=checkpoint) for name, checkpoint in checkpoints.items()
            ),
        ),
        **policies.for_supervisor("publish the fix" if fix else "keep the checkpoints"),
    )


async def record_run(genealogy: Genealogy) -> None:
    """Put the run, without its branches, on record."""
    run = genealogy.model_copy(update={"branches": ()})
    await _record(RecordRequest(run_id=genealogy.run_id, run=run))


async def record_branch(genealogy: Genealogy, branch: BranchRecord) -> None:
    """Put a branch that ended on record."""
    await _record(RecordRequest(run_id=genealogy.run_id, branch=branch))


async def _record(request: RecordRequest) -> None:
    await workflow.execute_activity_method(
        RecordActivities.record_genealogy, request, **policies.for_supervisor("record the genealogy")
    )
