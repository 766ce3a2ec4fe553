"""Contracts of sweeps: what is too old, and how much of it was removed where."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from hydranet.bounded_models import BoundedModel, Line, Name


class SweepRequest(BoundedModel):
    """Asks to remove what is older than the settings keep it; a `dry_run` removes nothing and counts it."""

    dry_run: bool = False


class Removal(BoundedModel):
    """How many things of one kind are too old, and their size in bytes, 0 where it is not known."""

    what: Name
    count: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)] = 0


class NodeSweepRequest(BoundedModel):
    """Asks one node for its part, on one of its queues.

    What was used after `used_before` stays, since a run that is open may need it. A supervisor's host also sweeps the
    `references` of its repositories.
    """

    queue: Name
    used_before: AwareDatetime
    references: bool = False
    dry_run: bool = False


class RecordsSweep(BoundedModel):
    """What was too old in the database, and what the nodes are to be asked."""

    removals: Annotated[tuple[Removal, ...], Field(max_length=10)] = ()
    nodes: Annotated[tuple[NodeSweepRequest, ...], Field(max_length=300)] = ()


class NodeSweep(BoundedModel):
    """What was too old on a node; `problem` says why it did not answer, or what of its part it left out."""

    node: Name
    removals: Annotated[tuple[Removal, ...], Field(max_length=10)] = ()
    problem: Line = ""


class Sweep(BoundedModel):
    """What was too old in the database and on each node."""

    records: Annotated[tuple[Removal, ...], Field(max_length=10)] = ()
    nodes: Annotated[tuple[NodeSweep, ...], Field(max_length=300)] = ()
