"""Contracts of retrieval: the code a model should see."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded import Bounded, Line, Name, Note, Text
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.signatures import ErrorSignature


class RetrieveRequest(Bounded):
    """Asks for the code a model should see; `results` holds the failing tests' tracebacks."""

    snapshot: Snapshot
    checkpoint: Checkpoint
    issue: Text
    results: ArtifactRef
    touched: Annotated[tuple[Name, ...], Field(max_length=40)] = ()


class Shown(Bounded):
    """One piece of code in the context and the path that led to it."""

    file: Name
    symbol: Name = ""
    first_line: int = 1
    last_line: int = 1
    why: Line = ""


class Snippet(Bounded):
    """A piece of code as it stands in the repository."""

    shown: Shown
    code: Annotated[str, StringConstraints(max_length=40_000)]


class FailingTest(Bounded):
    """A failing test: its id and the end of its traceback."""

    id: Line
    message: Note = ""


class Context(Bounded):
    """The artifact retrieval makes: everything a prompt needs to know about the bug."""

    issue: Text
    failing: Annotated[tuple[FailingTest, ...], Field(max_length=10)] = ()
    failing_count: int = 0
    error: ErrorSignature | None = None
    snippets: Annotated[tuple[Snippet, ...], Field(max_length=40)] = ()


class Retrieval(Bounded):
    """A context and what it shows, best first."""

    context: ArtifactRef
    shown: Annotated[tuple[Shown, ...], Field(max_length=12)] = ()
