"""Contracts of the sandbox: environments, test runs, coverage, trials of candidates."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, TESTS, BoundedModel, Line, Name, Tail, Text
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.expectations import WrittenTests
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.contracts.retrieval import RepositoryPath
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import Command
from hydranet.genealogy import KnownFailure
from hydranet.names import SANDBOX_QUEUE
from hydranet.patches import Patch
from hydranet.policy.investigation import LIMIT, Asked
from hydranet.question import Answers, BehaviourQuestion, Comparison
from hydranet.run_settings import SandboxSpec

# Sentences about one test run, at most.
NOTES = 4

TEST_PATTERNS = 50
"""The most names of tests that a run takes."""

TestPatterns = Annotated[tuple[Name, ...], Field(max_length=TEST_PATTERNS)]
"""Names of tests: ids, their beginnings or ends, or patterns with `*`."""


Formatters = Annotated[tuple[Name, ...], Field(max_length=8)]
"""Names of programs that format code."""


class PrepareRequest(BoundedModel):
    """Asks for the environment in which the tests of `snapshot` run offline."""

    snapshot: Snapshot
    spec: SandboxSpec


class Environment(BoundedModel):
    """A prepared environment: the key that finds it, or makes it again, on any sandbox node.

    `lacks` says what the tests may miss of the repository: the content of submodules and of Git LFS. The node called
    `host` has it, and polls `queue` alone; both are empty for one of before nodes had queues. `formatters` are those
    that the repository configures and that it has.
    """

    key: Name
    note: Line = ""
    lacks: Line = ""
    queue: Annotated[str, StringConstraints(pattern=rf"^({SANDBOX_QUEUE}-[0-9a-z]{{1,40}})?$")] = ""
    host: Name = ""
    formatters: Formatters = ()


class TestResult(BoundedModel):
    """One test: outcome is passed, failed, error or skipped; `message` the end of its traceback.

    `cause` says why its failure at the base commit is none that the run is to mend: then it is a known failure, and no
    target.
    """

    __test__ = False

    id: Annotated[str, CLEAN, StringConstraints(max_length=2000)]
    outcome: Name
    seconds: float = 0.0
    message: Text = ""
    cause: Line = ""

    @property
    def is_failing(self) -> bool:
        """Whether the test failed, or broke in its setup, teardown or collection."""
        return self.outcome in ("failed", "error")

    @property
    def is_target(self) -> bool:
        """Whether the test fails and the code may be at fault."""
        return self.is_failing and not self.cause


class Failures(BoundedModel):
    """What fails in a test run, in short.

    `failing` holds at most `TESTS` ids, `failing_count` their true number; `known` are the failures that are not among
    them. `error` and `tail` are those of the first.
    """

    failing: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    failing_count: int = 0
    known: Annotated[tuple[KnownFailure, ...], Field(max_length=TESTS)] = ()
    known_count: int = 0
    error: ErrorSignature | None = None
    tail: Tail = ""


class TestReport(Failures):
    """What a test run said.

    `structured` is False when only the exit status is known (then the one "test" is the command). `flaky` are tests
    that both passed and failed. `known` are failures of the environment, and at the base commit those that the run is
    not to mend. `no_tests` says what to do where the command found none. `notes` are sentences about the run: what was
    cut, left out or tolerated. `results` is a JSON `TestResults`.
    """

    __test__ = False

    passed: bool
    flaky: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    passing_count: int = 0
    reason: Line = ""
    no_tests: Line = ""
    structured: bool = True
    exit_status: int = 0
    seconds: float = 0.0
    notes: Annotated[tuple[Line, ...], Field(max_length=NOTES)] = ()
    results: ArtifactRef | None = None

    def narrow(self, target: "Target") -> "TestReport":
        """Return the report with the target as its failing tests; what decided is the first of its notes."""
        chosen = {name: value for name, value in target if name != "note"}
        notes = (target.note, *self.notes) if target.note else self.notes
        return self.model_copy(update={**chosen, "notes": notes[:NOTES]})


class TargetRequest(BoundedModel):
    """Asks which of the failing tests in `results` (artifact) the run is to make pass.

    Those that `patterns` name or, without any, those that the issue (artifact) speaks of. With tests that were written
    for the run it is these.
    """

    snapshot: Snapshot
    checkpoint: Checkpoint
    repository_path: RepositoryPath
    issue: ArtifactRef
    results: ArtifactRef
    patterns: TestPatterns = ()
    written: WrittenTests | None = None


class Target(Failures):
    """The failing tests that a run is to make pass, and the others as known failures.

    `results` are the same tests, those that are not the target with their cause; `note` says what decided.
    """

    results: ArtifactRef
    note: Line = ""


class TestResults(BoundedModel):
    """The artifact behind `TestReport.results`: every test, and both ends of what was printed.

    `unnamed` counts tests that passed and are not in `tests`: there are too many, or the runner does not name them.
    `ending` is why the sandbox ended the command after its tests had ended, empty when it exited by itself.
    `canary` says that our own test, which must fail, can be asked of later runs; `replaced` names functions of the
    test runner that the code under test replaces. `checkpoint` is what they were run on; None is the snapshot's commit.
    """

    __test__ = False

    tests: Annotated[tuple[TestResult, ...], Field(max_length=100_000)] = ()
    unnamed: int = 0
    exit_status: int = 0
    ending: Line = ""
    stdout: Text = ""
    stderr: Text = ""
    canary: bool = False
    replaced: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    checkpoint: Checkpoint | None = None

    @property
    def passing_count(self) -> int:
        """How many tests passed."""
        return self.unnamed + sum(test.outcome == "passed" for test in self.tests)


class TestRequest(BoundedModel):
    """Asks for a run of the whole test command on a clean checkout of `checkpoint`.

    With the `TestResults` of the base commit as `baseline` a result has to be one to trust.
    """

    __test__ = False

    snapshot: Snapshot
    checkpoint: Checkpoint
    environment: Environment
    spec: SandboxSpec
    baseline: ArtifactRef | None = None


FilePath = Annotated[str, CLEAN, StringConstraints(max_length=2000)]


class CoverageRequest(BoundedModel):
    """Asks which lines each test executes; `baseline` is the `TestResults` of the same tree, or of one like it.

    Where a file is named by `only`, no other tests are run, if the runner is pytest.
    """

    snapshot: Snapshot
    checkpoint: Checkpoint
    environment: Environment
    spec: SandboxSpec
    baseline: ArtifactRef
    only: FilePath = ""


class FormatRequest(BoundedModel):
    """Asks to format what a checkpoint changes of the base, as its repository does."""

    snapshot: Snapshot
    checkpoint: Checkpoint
    environment: Environment
    spec: SandboxSpec


class Formatting(BoundedModel):
    """What `formatters` changed of a checkpoint (artifact, unified diff), None where that is nothing."""

    diff: ArtifactRef | None = None
    formatters: Formatters = ()


TestIndices = Annotated[tuple[int, ...], Field(max_length=20_000)]
TestsByLine = Annotated[dict[int, TestIndices], Field(max_length=100_000)]


Told = Annotated[str, CLEAN, StringConstraints(max_length=200)]
ToldByLine = Annotated[dict[int, Annotated[tuple[Told, ...], Field(max_length=2_000)]], Field(max_length=100_000)]


class Predicate(BoundedModel):
    """What a condition, comparison or result at a line came out as, and the tests in which it did."""

    line: int
    told: Told
    tests: TestIndices


class Spectrum(BoundedModel):
    """The artifact a coverage run makes: per file and line, the indices into `tests` that execute it.

    `predicates` are what failing tests saw; `values` the strings and numbers that functions returned in them,
    each at the line that was the first to return it.
    """

    tests: Annotated[tuple[TestResult, ...], Field(max_length=20_000)] = ()
    lines: Annotated[dict[FilePath, TestsByLine], Field(max_length=20_000)] = {}
    predicates: Annotated[
        dict[FilePath, Annotated[tuple[Predicate, ...], Field(max_length=20_000)]], Field(max_length=2_000)
    ] = {}
    values: Annotated[dict[FilePath, ToldByLine], Field(max_length=2_000)] = {}


class InvestigateRequest(BoundedModel):
    """Asks to run what a model wants to see, on `checkpoint`."""

    snapshot: Snapshot
    checkpoint: Checkpoint
    environment: Environment
    spec: SandboxSpec
    asked: Asked


class Investigation(BoundedModel):
    """What became of each command that was asked for; `findings`, a JSON `Findings`, is what they printed."""

    commands: Annotated[tuple[Command, ...], Field(max_length=LIMIT)] = ()
    findings: ArtifactRef | None = None


class Finding(BoundedModel):
    """One command as the model asked for it, and what it printed, or why it was refused."""

    asked: Line
    output: Annotated[str, CLEAN, StringConstraints(max_length=2000)] = ""


class Findings(BoundedModel):
    """The artifact behind `Investigation.findings`."""

    findings: Annotated[tuple[Finding, ...], Field(max_length=LIMIT)] = ()


class Candidate(BoundedModel):
    """One patch to try: a validated unified diff (at most 64 KB) and what it does in a line."""

    diff: Annotated[str, CLEAN, StringConstraints(max_length=65_536)]
    title: Line = ""


class Candidates(BoundedModel):
    """The artifact an implementation makes: patches in the order in which to try them."""

    candidates: Annotated[tuple[Candidate, ...], Field(max_length=2000)] = ()


class Incumbent(BoundedModel):
    """A fix that has passed already, as its `diff` (artifact) and what it does in a line."""

    diff: ArtifactRef
    title: Line = ""


class TrialRequest(BoundedModel):
    """Asks to try candidates on `parent`: the failing tests of `baseline` first, all tests for those that pass.

    `baseline` is the `TestResults` at the run's base commit; its failing tests are the target and a
    test that passed there may not fail. Nor may a candidate do what contradicts the `answers` of a person.
    The `incumbent` is tried before the candidates, and with each of them one of each of `others`.
    """

    snapshot: Snapshot
    parent: Checkpoint
    environment: Environment
    spec: SandboxSpec
    baseline: ArtifactRef
    candidates: ArtifactRef
    incumbent: Incumbent | None = None
    others: Annotated[tuple[ArtifactRef, ...], Field(max_length=4)] = ()
    answers: Answers = ()


class Trial(BoundedModel):
    """The best candidate (all tests pass, else fewest failing) and its tests.

    `index` is its place in the candidates, `diff` its unified diff as an artifact; `tried` counts the
    candidates that were run, `passing` those that pass everything, `left` those there was no time for. It took
    `seconds`, without waiting for a sandbox. `comparison` says how those that pass were told apart; where the tests
    leave open which of them is right, the best is one of a `contest` (artifact), and `question` asks for it.
    """

    index: int
    title: Line = ""
    patch: Patch = Patch()
    diff: ArtifactRef | None = None
    report: TestReport
    tried: int = 0
    passing: int = 0
    left: int = 0
    seconds: float = 0.0
    refused: Line = ""
    comparison: Comparison | None = None
    contest: ArtifactRef | None = None
    question: BehaviourQuestion | None = None
