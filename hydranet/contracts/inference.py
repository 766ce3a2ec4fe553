"""Contracts of inference: strategies and the steps of an attempt."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.allocation import Draws
from hydranet.bounded_models import CLEAN, BoundedModel, Line, Name, Note, Tail
from hydranet.budget import Usage
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.lesson import Lesson
from hydranet.objection import Objections
from hydranet.person_wait import Diff
from hydranet.policy.investigation import Asked
from hydranet.question import BehaviourQuestion, Vote
from hydranet.strategy import Strategy


class AttemptDigest(BoundedModel):
    """An earlier attempt as the next prompt tells it; `patch` is the head of its diff, `looked` its commands."""

    number: int
    summary: Line = ""
    looked: Line = ""
    patch: Annotated[str, CLEAN, StringConstraints(max_length=400)] = ""
    reason: Line = ""
    failing_count: int = 0


class DeadBranch(BoundedModel):
    """A dead branch as the next prompt tells it: its strategy, why it died, what that teaches."""

    number: int
    strategy: Strategy
    reason: Line = ""
    lesson: Lesson = Lesson()


class Work(BoundedModel):
    """What every inference call of a run shares; `base` is where its tests failed, by default the snapshot's commit."""

    run_id: Name
    model: Name
    snapshot: Snapshot
    checkpoint: Checkpoint
    context: ArtifactRef
    spectrum: ArtifactRef | None = None
    base: Checkpoint | None = None


class WarmUpRequest(BoundedModel):
    """Asks to have a model loaded."""

    model: Name


class StrategiesRequest(BoundedModel):
    """Asks for up to `count` strategies unlike the dead ones; `round` counts the requests of a run."""

    work: Work
    round: int
    seed: int = 0
    count: int = 3
    dead: Annotated[tuple[DeadBranch, ...], Field(max_length=100)] = ()
    instruction: Note = ""


class StrategiesAnswer(BoundedModel):
    """Strategies, best first; `reason` says why there are none."""

    strategies: Annotated[tuple[Strategy, ...], Field(max_length=100)] = ()
    reason: Line = ""
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class RankRequest(BoundedModel):
    """Asks in which order to pursue `strategies`; `work.model` is the model that ranks."""

    work: Work
    round: int
    seed: int = 0
    strategies: Annotated[tuple[Strategy, ...], Field(max_length=20)]
    dead: Annotated[tuple[DeadBranch, ...], Field(max_length=100)] = ()


class RankAnswer(BoundedModel):
    """The places of the strategies in the request (0-based), the one to pursue first in front; each once."""

    order: Annotated[tuple[int, ...], Field(max_length=20)] = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class VoteRequest(BoundedModel):
    """Asks which choice of a `question` about a branch's fix is right; `work.model` is the model that votes."""

    work: Work
    branch: int
    question: BehaviourQuestion
    seed: int = 0


class VoteAnswer(BoundedModel):
    """The vote, None where the model is too small to be asked."""

    vote: Vote | None = None
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class CritiqueRequest(BoundedModel):
    """Asks what is wrong with a branch's fix, of its `diff` as people see it; `work.model` is the model to ask."""

    work: Work
    branch: int
    diff: Diff
    seed: int = 0


class CritiqueAnswer(BoundedModel):
    """What a model notes of a fix; nothing where it is too small to be asked."""

    objections: Objections = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class Plan(BoundedModel):
    """What an attempt means to change and why."""

    summary: Line
    steps: Note = ""


class StepRequest(BoundedModel):
    """Asks for the next step (plan, implementation or reflection) of one attempt.

    `seed` is the workflow's, see `FixRequest.seed`; `history` holds the branch's last attempts, oldest first;
    `findings`, for an implementation, are the `Findings` that its plan asked for, and `tokens` what it may spend, None
    without a limit: the model is not asked again once they are spent; `tried` counts the candidates that the branch is
    done with.
    """

    work: Work
    branch: int
    attempt: int
    strategy: Strategy
    seed: int = 0
    tried: int = 0
    plan: Plan | None = None
    findings: ArtifactRef | None = None
    tokens: int | None = None
    history: Annotated[tuple[AttemptDigest, ...], Field(max_length=3)] = ()
    reflection: Note = ""
    dead: Annotated[tuple[Line, ...], Field(max_length=6)] = ()
    error: ErrorSignature | None = None
    tail: Tail = ""
    instruction: Note = ""


class PlanAnswer(BoundedModel):
    """The plan of an attempt, and what to look at before it is carried out."""

    plan: Plan
    investigate: Asked = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class ImplementAnswer(BoundedModel):
    """Candidate patches; None with a `reason` when none could be made.

    `draws` counts the answers of a model, those that make a new change as failing until they are tested. An answer
    repeats when it makes the same change as another of the attempt, or as an earlier attempt. Templates ask for none.

    `shown` names the code that was in the prompt, as "path:symbol", best first.

    `exhausted` says that the strategy has nothing more to offer after these and its branch should end.
    """

    candidates: ArtifactRef | None = None
    count: int = 0
    summary: Line = ""
    reason: Line = ""
    exhausted: bool = False
    draws: Draws = Draws()
    shown: Annotated[tuple[Name, ...], Field(max_length=12)] = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None


class ReflectAnswer(BoundedModel):
    """What the failed attempt teaches and what to do next; `look_at` names code that the model wants to see."""

    reflection: Note = ""
    look_at: Annotated[tuple[Name, ...], Field(max_length=3)] = ()
    prompt: Name = ""
    usage: Usage = Usage()
    transcript: ArtifactRef | None = None
