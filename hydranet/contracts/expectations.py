"""Contracts of expectations: what the code is to do, said without a test, and the tests that are written of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, FilePath, Line, Name
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.contracts.retrieval import RepositoryPath

EXPECTATIONS = 20
"""The most expectations of a run."""

CODE_CHARACTERS = 16_384
"""The most characters of an expectation's code."""

DRAFT_CHARACTERS = 3_000
"""The most characters of a test that a model has drafted, set-up included: all drafts of a run cross a task queue."""

Code = Annotated[str, CLEAN, StringConstraints(max_length=CODE_CHARACTERS)]


class ExpectationKind(StrEnum):
    """What is expected of code: that it is true, raises, runs through, or is a script that exits with 0."""

    HOLDS = "holds"
    RAISES = "raises"
    RUNS = "runs"
    SCRIPT = "script"


class Expectation(BoundedModel):
    """What is expected of `code`, an expression or a script, after the statements of `setup`.

    It is to raise `exception`, if that is its kind. `source` says where it comes from, as its reader knows it.
    `fails_with` is the error that it gives now, if that is known.
    """

    kind: ExpectationKind
    code: Code
    exception: Name = ""
    setup: Code = ""
    source: Line
    fails_with: Name = ""


Expectations = Annotated[tuple[Expectation, ...], Field(max_length=EXPECTATIONS)]


class WriteTestsRequest(BoundedModel):
    """Asks for tests of `expectations` in the style and the folder of the tests that `test_command` runs.

    It runs them in `folder`; `title` is what the tests are called after. Without expectations they are those that the
    examples of the `issue` (artifact) show. Where a model has `drafted` them, their imports are
    corrected, and those that name what is not there are left out.
    """

    snapshot: Snapshot
    checkpoint: Checkpoint
    repository_path: RepositoryPath
    title: Line
    expectations: Expectations
    test_command: Name
    folder: FilePath = ""
    issue: ArtifactRef | None = None
    drafted: bool = False


class WrittenTest(BoundedModel):
    """A test that was written of an expectation, by the name of its function."""

    name: Name
    expectation: Expectation

    @property
    def source(self) -> str:
        """Where the expectation comes from."""
        return self.expectation.source


class WrittenTests(BoundedModel):
    """Tests that were written: the `diff` (artifact) that adds them in `file`; None where there are none to write.

    They are of the examples in the issue, `of_issue`, or were `drafted` by a model; `left_out` says which drafts were
    not written, and why.
    """

    diff: ArtifactRef | None
    file: FilePath
    tests: Annotated[tuple[WrittenTest, ...], Field(max_length=EXPECTATIONS)]
    of_issue: bool = False
    drafted: bool = False
    left_out: Annotated[tuple[Line, ...], Field(max_length=EXPECTATIONS)] = ()
