"""Contracts of the repository and its checkpoints."""

import hashlib
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, TESTS, BoundedModel, FilePath, Line, Name, Note
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.objection import Objections
from hydranet.person_wait import Diff
from hydranet.policy.constitution import Decision

SUBMODULES = 100
"""The most submodules that come along."""


class SnapshotRequest(BoundedModel):
    """Asks the host that has the repository at `path` for what other nodes need of it."""

    repository_path: Annotated[str, CLEAN, StringConstraints(max_length=4096)]
    limit_mb: int = 500


class Submodule(BoundedModel):
    """A submodule that is checked out: `pack` holds the objects of the commit that a tree names at `path`."""

    path: FilePath
    commit: Name
    pack: ArtifactRef


class Snapshot(BoundedModel):
    """The repository at one commit: `pack` holds the objects of `commit` and of its tree.

    `version` is that of the last tag before it, empty without one. Of `submodules`, each comes before those in it.
    """

    commit: Name
    pack: ArtifactRef
    version: Name = ""
    submodules: Annotated[tuple[Submodule, ...], Field(max_length=SUBMODULES)] = ()

    def name_files(self, commit: str) -> str:
        """Return a name for the files of `commit`, which stands on the snapshot's, together with the submodules'."""
        if not self.submodules:
            return commit
        # The commit names those of all submodules, so which are there tells the rest.
        paths = "\0".join(submodule.path for submodule in self.submodules)
        return f"{commit}-{hashlib.sha256(paths.encode()).hexdigest()[:16]}"


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

    `approved` are the decisions of the constitution that a person was asked about, and has approved. A review takes
    the ids of the target `tests`, and the `issue`'s text.
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
    tests: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    issue: ArtifactRef | None = None


class Review(BoundedModel):
    """What the constitution says of a fix, but for what it simply allows; the strictest first.

    `asks_always` says that on the host of the repository every fix waits for a person. `diff` is what the fix changes
    of the base, cut, for a person to read: without the lines that may hold a secret. `objections` are the reviewer's.
    """

    decisions: Annotated[tuple[Decision, ...], Field(max_length=100)] = ()
    asks_always: bool = False
    diff: Diff = ""
    objections: Objections = ()


class Publication(BoundedModel):
    """The branch that now holds the fix; `note` says what happened with `apply`."""

    branch: Name = ""
    commit: Name = ""
    note: Line = ""
