"""Contracts of the repository and its checkpoints."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, Line, Name, Note
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.policy.constitution import Decision


class SnapshotRequest(BoundedModel):
    """Asks the host that has the repository at `path` for what other nodes need of it."""

    repository_path: Annotated[str, CLEAN, StringConstraints(max_length=4096)]
    limit_mb: int = 500


class Snapshot(BoundedModel):
    """The repository at one commit: `pack` holds the objects of `commit` and of its tree.

    `version` is that of the last tag before it, empty without one.
    """

    commit: Name
    pack: ArtifactRef
    version: Name = ""


class Checkpoint(BoundedModel):
    """A commit made from an attempt; `bundle` (thin, from the snapshot's commit) is None for the base."""

    commit: Name
    bundle: ArtifactRef | None = None


class CommitRequest(BoundedModel):
    """Asks for the commit that `diff` (artifact, unified diff) makes on top of `parent`."""

    snapshot: Snapshot
    parent: Checkpoint
    diff: ArtifactRef | None
    message: Note


class NamedCheckpoint(BoundedModel):
    """A checkpoint and its name below the run, such as `b02/attempt-003`."""

    name: Name
    checkpoint: Checkpoint


class PublishRequest(BoundedModel):
    """Asks to put the fix (None when there is none) and the checkpoints into the user's repository.

    `approved` are the decisions of the constitution that a person was asked about, and has approved.
    """

    repository_path: Annotated[str, CLEAN, StringConstraints(max_length=4096)]
    run_id: Name
    slug: Name
    base: Name
    fix: Checkpoint | None
    message: Note = ""
    apply: bool = False
    approved: Annotated[tuple[Decision, ...], Field(max_length=100)] = ()
    checkpoints: Annotated[tuple[NamedCheckpoint, ...], Field(max_length=1000)] = ()


class Review(BoundedModel):
    """What the constitution says of a fix, but for what it simply allows; the strictest first."""

    decisions: Annotated[tuple[Decision, ...], Field(max_length=100)] = ()


class Publication(BoundedModel):
    """The branch that now holds the fix; `note` says what happened with `apply`."""

    branch: Name = ""
    commit: Name = ""
    note: Line = ""
