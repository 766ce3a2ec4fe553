"""Contracts of contests: fixes that pass all tests and behave differently, and what answers leave of them."""

from hydranet.bounded_models import BoundedModel, Line
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.repository import Checkpoint
from hydranet.question import Answers, BehaviourQuestion


class OpenContest(BoundedModel):
    """A `contest` (artifact) of fixes on top of `parent`, and the question that is asked first."""

    contest: ArtifactRef
    parent: Checkpoint
    question: BehaviourQuestion


class SettleRequest(BoundedModel):
    """Asks which fix of a `contest` (artifact) the answers leave."""

    contest: ArtifactRef
    answers: Answers


class Settlement(BoundedModel):
    """The most likely fix that is left, None where the answers leave none, and what is to be asked next.

    `candidates` (artifact) are all `count` fixes that are left.
    """

    title: Line = ""
    diff: ArtifactRef | None = None
    candidates: ArtifactRef | None = None
    count: int = 0
    question: BehaviourQuestion | None = None
