"""The genealogy: the tree run → branches → attempts with scores, outcomes and reasons."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.allocation import Draws
from hydranet.bounded_models import CLEAN, TESTS, BoundedModel, Line, Name, Note, Sender
from hydranet.budget import Budget, Spent, Usage
from hydranet.convergence.score import Attempt, Command, Score
from hydranet.node_event import EVENTS, NodeEvent
from hydranet.objection import Objections
from hydranet.person_wait import PersonWait
from hydranet.policy.constitution import Decision
from hydranet.question import Answers, BehaviourQuestion, Comparison
from hydranet.strategy import Strategy
from hydranet.text.formatting import format_duration, join_words

DRAFTS = 40
"""The most refusals of drafts on record."""
SUSPENSIONS = 20
"""The most suspensions of a branch on record, of which the last are kept."""

Draft = Annotated[str, CLEAN, StringConstraints(max_length=8_000)]


class Verdict(StrEnum):
    """What ended a run; an ambiguous one has a fix, and another that the tests cannot tell from it."""

    FIXED = "fixed"
    AMBIGUOUS = "ambiguous"
    EXHAUSTED = "exhausted"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def has_fix(self) -> bool:
        """Whether a fix is published."""
        return self in (Verdict.FIXED, Verdict.AMBIGUOUS)


class Outcome(StrEnum):
    """What became of an attempt."""

    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    NO_PATCH = "no patch"


class Ending(StrEnum):
    """What became of a branch; one that is suspended may be taken up again while the run goes on."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    PASSED = "passed"
    REAPED = "reaped"
    SPENT = "spent"
    REFUTED = "refuted"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AttemptRecord(BoundedModel):
    """One attempt as it stays on record.

    `summary` says what was tried, `reason` why the outcome is what it is; `candidates` counts the
    patches tried within the attempt, of which `facts.patch` is the best. It took `seconds`, `test_seconds` of them in
    a sandbox, and ended `after` so many seconds of the run. `shown` names the code that its prompt showed; `draws`
    counts what became of its draws, but for one that passes.
    """

    number: int
    summary: Line = ""
    outcome: Outcome
    reason: Line = ""
    score: Score = Score()
    facts: Attempt = Attempt()
    passing: int = 0
    candidates: int = 1
    draws: Draws = Draws()
    checkpoint: Name = ""
    prompt: Name = ""
    shown: Annotated[tuple[Name, ...], Field(max_length=12)] = ()
    spent: Annotated[tuple[Spent, ...], Field(max_length=4)] = ()
    seconds: float = 0.0
    test_seconds: float = 0.0
    after: float = 0.0

    @property
    def usage(self) -> Usage:
        """What its model calls cost together."""
        return sum((spent.usage for spent in self.spent), Usage())


class Suspension(BoundedModel):
    """A time in which a branch was left for another, in seconds after the start of the run, and why."""

    began: float
    ended: float
    reason: Line = ""


class BranchRecord(BoundedModel):
    """One branch as it stays on record.

    `start` is the commit its attempts began from; `began` and `ended` are seconds after the start of the run.
    `suspensions` are those after which it was taken up again.
    """

    number: int
    id: Name
    strategy: Strategy
    start: Name = ""
    attempts: Annotated[tuple[AttemptRecord, ...], Field(max_length=200)] = ()
    ending: Ending = Ending.RUNNING
    reason: Line = ""
    began: float = 0.0
    ended: float = 0.0
    suspensions: Annotated[tuple[Suspension, ...], Field(max_length=SUSPENSIONS)] = ()

    @property
    def usage(self) -> Usage:
        """What the model calls of its attempts cost."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    @property
    def draws(self) -> Draws:
        """What became of the draws of its attempts, but for one that passes."""
        return sum((attempt.draws for attempt in self.attempts), Draws())


class PersonMessage(BoundedModel):
    """What a person told the run, `after` so many seconds: such as to pause, override or approve.

    The `sender` is empty when the message states none, as a signal from the Web UI.
    """

    kind: Name
    sender: Sender = ""
    text: Note = ""
    after: float = 0.0

    @property
    def author(self) -> str:
        """Who sent it, as a noun in a sentence."""
        return " ".join(self.sender.split()) or "an unknown sender"

    @property
    def sentence(self) -> str:
        """The message in one line."""
        text = f": {' '.join(self.text.split())}" if self.text else ""
        return f"{self.kind} by {self.author} after {format_duration(self.after)}{text}"


class KnownFailure(BoundedModel):
    """A test that failed at the base for want of something in the environment, which `cause` names."""

    test: Name
    cause: Line

    def describe(self) -> str:
        """Return the test with its cause."""
        return f"{self.test} ({self.cause})"


class Reproduction(BoundedModel):
    """The tests that a model has drafted of the issue: how many draws, what they cost, and why drafts were refused.

    `code` is the draft that is the target.
    """

    prompt: Name = ""
    draws: int = 0
    usage: Usage = Usage()
    refused: Annotated[tuple[Line, ...], Field(max_length=DRAFTS)] = ()
    code: Draft = ""

    @property
    def sentence(self) -> str:
        """Why drafts were refused, drafts of one reason together."""
        by_reason: dict[str, list[str]] = {}
        for refusal in self.refused:
            draft, _, reason = refusal.partition(": ")
            by_reason.setdefault(reason, []).append(draft)
        return "; ".join(f"{join_words(drafts)}: {reason}" for reason, drafts in by_reason.items())


class Genealogy(BoundedModel):
    """The whole tree of a run, as `hydra show`, the Web UI and the report render it.

    `issue_url` is where the issue came from, if that is a forge. While the run waits for a person, `waits` is what for.
    `decisions` is the audit trail: what the constitution said of each operation, by which rule, and `objections` are
    those of the reviewer to verified fixes, the last fix first; `messages` are the last that people sent, and `nodes`
    what became of the nodes that work for it.
    `environment` says which sandbox the tests run in and what was installed there, `flaky`
    which tests both passed and failed on the same code, and `written_tests` which tests the run has written, and of
    what, `reproduction` the drafts of a model among them. `test_notes` say what was cut, left out or tolerated in test
    runs. The run does not mend `known_failures`. `shown` names the code that retrieval gave to the prompts, best first.
    `comparison` says how the candidates that pass were told apart, and `question` what the tests leave open between
    them; `answers` are what people said to such questions.
    """

    run_id: Name
    repository_name: Name
    title: Line
    issue_url: Line = ""
    base: Name = ""
    model: Name = ""
    threshold: float = 0.75
    budget: Budget = Budget()
    state: Line = "starting"
    paused: bool = False
    waits: PersonWait | None = None
    decisions: Annotated[tuple[Decision, ...], Field(max_length=100)] = ()
    objections: Objections = ()
    messages: Annotated[tuple[PersonMessage, ...], Field(max_length=20)] = ()
    nodes: Annotated[tuple[NodeEvent, ...], Field(max_length=EVENTS)] = ()
    environment: Line = ""
    flaky: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    written_tests: Line = ""
    reproduction: Reproduction | None = None
    test_notes: Annotated[tuple[Line, ...], Field(max_length=8)] = ()
    target_tests: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    target_count: int = 0
    known_failures: Annotated[tuple[KnownFailure, ...], Field(max_length=TESTS)] = ()
    known_count: int = 0
    shown: Annotated[tuple[Name, ...], Field(max_length=12)] = ()
    branches: Annotated[tuple[BranchRecord, ...], Field(max_length=100)] = ()
    comparison: Comparison | None = None
    question: BehaviourQuestion | None = None
    answers: Answers = ()
    verdict: Verdict | None = None
    reason: Note = ""
    published: Name = ""
    usage: Usage = Usage()
    seconds: float = 0.0

    @property
    def attempts(self) -> int:
        """How many attempts the run has made, over all branches."""
        return sum(len(branch.attempts) for branch in self.branches)

    @property
    def reaps(self) -> int:
        """How many branches were reaped."""
        return sum(branch.ending is Ending.REAPED for branch in self.branches)

    @property
    def investigations(self) -> tuple[Command, ...]:
        """The commands that models asked for, over all attempts."""
        attempts = (attempt for branch in self.branches for attempt in branch.attempts)
        return tuple(command for attempt in attempts for command in attempt.facts.commands)

    @property
    def highest_convergence(self) -> float:
        """The highest score of any attempt, 0 before the first."""
        return max((a.score.value for b in self.branches for a in b.attempts), default=0.0)
