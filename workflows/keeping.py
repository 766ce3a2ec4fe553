"""What a run leaves behind: the fix and the checkpoints in the user's repository, the genealogy on record."""

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
    from hydranet.strategy import slug
    from workflows import policies


async def publish(
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
            path=request.path,
            run_id=genealogy.run_id,
            slug=slug(request.title, 48),
            base=genealogy.base,
            fix=fix,
            message=message,
            apply=request.apply,
            checkpoints=tuple(NamedCheckpoint(name=name, checkpoint=made) for name, made in checkpoints.items()),
        ),
        **policies.supervisor("publish the fix" if fix else "keep the checkpoints"),
    )


async def record(genealogy: Genealogy, branch: BranchRecord | None = None) -> None:
    """Put the run, and a branch that ended, on record."""
    await workflow.execute_activity_method(
        RecordActivities.record_genealogy,
        RecordRequest(run=genealogy.model_copy(update={"branches": ()}), branch=branch),
        **policies.supervisor("record the genealogy"),
    )
