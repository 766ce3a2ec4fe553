"""Contracts of runs and branches: requests, results and the signals between them."""

from typing import Annotated, Literal

from pydantic import Field

from hydranet.allocation import SkillRecord
from hydranet.bounded_models import TESTS, BoundedModel, Issue, Line, Name, Note, Tail
from hydranet.budget import Budget, Usage
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.contests import OpenContest
from hydranet.contracts.expectations import Expectations
from hydranet.contracts.inference import AttemptDigest, Plan
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.contracts.retrieval import RepositoryPath
from hydranet.contracts.sandbox import NOTES, Environment, TestPatterns
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import MEMORY, Attempt, Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Verdict
from hydranet.policy.constitution import Decision
from hydranet.question import ANSWERS, Answers, Comparison
from hydranet.run_settings import ConvergenceSettings, SandboxSpec
from hydranet.strategy import TEMPLATES, Strategy


class FixRequest(BoundedModel):
    """One run: one repository, one issue, which has an `issue_url` where it came from a forge.

    `model` proposes strategies and makes patches; `supervisor_model`, if there is one, ranks the strategies.
    `decisions` are the constitution's about its publication: a supervised one waits for approval. Random numbers
    come from `seed`, or from the run's id where that is empty: two runs with the same seed ask their models the same.
    `allocation` says which strategy gets the next draw. The `target` names the failing tests to mend; where it is empty
    they are those that the issue speaks of. Of `expectations` tests are written, which are the target then.
    Where the tests do not tell which fix is right, the run waits for a person with so many `questions` at most. With a
    `contest` it goes on where another run has ended so, by the `answers` to that one's questions.
    The repository is on the host with the id `host`, empty for runs from before hosts had ids.
    """

    repository_path: RepositoryPath
    host: Name = ""
    repository_name: Name
    title: Line
    issue: Issue
    issue_url: Line = ""
    target: TestPatterns = ()
    expectations: Expectations = ()
    model: Name = TEMPLATES
    supervisor_model: Name = ""
    templates_first: bool = True
    allocation: Literal["value", "order"] = "value"
    parallel_branches: Annotated[int, Field(ge=1, le=16)] = 1
    require_approval: bool = False
    questions: Annotated[int, Field(ge=0, le=ANSWERS)] = 0
    answers: Answers = ()
    contest: OpenContest | None = None
    decisions: Annotated[tuple[Decision, ...], Field(max_length=8)] = ()
    apply: bool = False
    reaper: bool = True
    seed: Name = ""
    budget: Budget = Budget()
    convergence: ConvergenceSettings = ConvergenceSettings()
    sandbox: SandboxSpec = SandboxSpec()
    repository_limit_mb: int = 500


class RunResult(BoundedModel):
    """How a run ended; `refused` says that the input, not the search, was the reason.

    A `contest` is what is left open: another run may go on with it.
    """

    verdict: Verdict
    reason: Note = ""
    refused: bool = False
    published: Name = ""
    commit: Name = ""
    note: Line = ""
    contest: OpenContest | None = None


class BranchState(BoundedModel):
    """The state that a branch carries over when it continues as new: its last attempts and its best checkpoint.

    `plan` and `results` are those of the last attempt; `tried` counts the candidates that the branch is done with.
    The next attempt sees `context`, or that of the base without one.
    """

    attempts: int = 0
    tokens: int = 0
    tried: int = 0
    facts: Annotated[tuple[Attempt, ...], Field(max_length=MEMORY)] = ()
    history: Annotated[tuple[AttemptDigest, ...], Field(max_length=3)] = ()
    plan: Plan | None = None
    reflection: Note = ""
    best: Checkpoint
    best_failing: int
    tail: Tail = ""
    results: ArtifactRef | None = None
    context: ArtifactRef | None = None


class BranchRequest(BoundedModel):
    """One strategy to pursue from `start`, and what its attempts need.

    `dead` are sentences about dead branches for the prompts; `target` are the tests that fail at the `base`. The branch
    begins no attempt beyond `granted` before its run grants more; None grants all `attempts`. Where the environment is
    not `prepared` for it, the branch has one prepared on a host of its own. No fix may contradict the `answers`. A
    branch that tries fixes of another run has their `candidates` (artifact), and so many.
    """

    run_id: Name
    number: int
    strategy: Strategy
    start: Checkpoint
    start_failing: int
    model: Name
    repository_path: RepositoryPath
    snapshot: Snapshot
    base: Checkpoint | None = None
    environment: Environment
    prepared: bool = True
    sandbox: SandboxSpec
    baseline: ArtifactRef
    target: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    target_count: int = 0
    issue: ArtifactRef
    context: ArtifactRef
    spectrum: ArtifactRef | None = None
    error: ErrorSignature | None = None
    convergence: ConvergenceSettings = ConvergenceSettings()
    reaper: bool = True
    seed: Name = ""
    attempts: int = 8
    granted: int | None = None
    tokens: int | None = None
    dead: Annotated[tuple[Line, ...], Field(max_length=6)] = ()
    instruction: Note = ""
    answers: Answers = ()
    candidates: ArtifactRef | None = None
    candidate_count: int = 0
    paused: bool = False
    state: BranchState | None = None


class Move(BoundedModel):
    """A move to the sandbox host that has `environment`, from hosts whose queues, `left`, nobody took a step of."""

    left: Annotated[tuple[Name, ...], Field(max_length=8)]
    environment: Environment


class AttemptReport(BoundedModel):
    """A branch's signal to its run after each attempt; `notes` are those on its test run.

    A branch that `waits` begins no further attempt before it is granted one. Where it went on on another sandbox host
    it says so by `move`.
    """

    branch: int
    record: AttemptRecord
    waits: bool = False
    checkpoint: Checkpoint | None = None
    notes: Annotated[tuple[Line, ...], Field(max_length=NOTES)] = ()
    move: Move | None = None


class BranchResult(BoundedModel):
    """How a branch ended by itself; `passed` is the checkpoint that passes all tests.

    `unreported` is the cost of an attempt that was given up before it was on record. `comparison` says how the
    candidates that pass were told apart, and `contest` which of them behave differently. What passed is the change
    `diff` (artifact) of `parent`.
    """

    ending: Ending
    reason: Line = ""
    passed: Checkpoint | None = None
    parent: Checkpoint | None = None
    diff: ArtifactRef | None = None
    comparison: Comparison | None = None
    contest: OpenContest | None = None
    unreported: Usage = Usage()


class Grant(BoundedModel):
    """A run's signal to a branch that waits: it may make attempts up to this number, with what is left of the tokens.

    `tokens` is None without a limit. By `move` the run says where it went on meanwhile.
    """

    attempts: int
    tokens: int | None = None
    move: Move | None = None


class Counterfactual(BoundedModel):
    """The ending of a reaped branch that was let run on: `attempts` and `tokens` are those after the reaping."""

    ending: Ending
    attempts: int = 0
    tokens: int = 0


class ReapRequest(BoundedModel):
    """The Reaper's signal: which branch circles, how much, and the evidence in a sentence."""

    branch: int
    score: Score = Score()
    evidence: Line = ""


class Skills(BoundedModel):
    """How often draws of a model pass at right places: those of one run or, without a `run_id`, of all."""

    run_id: Name = ""
    records: Annotated[tuple[SkillRecord, ...], Field(max_length=100)] = ()


class RecordRequest(BoundedModel):
    """A run without its branches, or one branch that ended, to be put on record."""

    run_id: Name
    run: Genealogy | None = None
    branch: BranchRecord | None = None


class RecordLogRequest(BoundedModel):
    """The log of a run that ends with `result`, to be put on record."""

    run_id: Name
    result: RunResult
