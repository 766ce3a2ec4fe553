"""Contracts of retrieval: the code a model should see."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, PATH_CHARACTERS, BoundedModel, FilePath, Line, Name, Note
from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.repository import Checkpoint, Snapshot
from hydranet.convergence.error_signature import ErrorSignature

RepositoryPath = Annotated[str, CLEAN, StringConstraints(max_length=4096)]
"""Where a repository lies, by which the code graph knows it."""


PathAndLine = Annotated[str, CLEAN, StringConstraints(max_length=PATH_CHARACTERS + 20)]
"""A place in a repository, as "path:line"."""


class RetrieveRequest(BoundedModel):
    """Asks for the code a model should see; `issue` is its text, `results` holds the failing tests' tracebacks.

    `touched` are places that were changed already, as "path:line"; `asked` are names to be shown.
    """

    snapshot: Snapshot
    checkpoint: Checkpoint
    repository_path: RepositoryPath
    issue: ArtifactRef
    results: ArtifactRef
    touched: Annotated[tuple[PathAndLine, ...], Field(max_length=20)] = ()
    asked: Annotated[tuple[Name, ...], Field(max_length=3)] = ()


class Place(BoundedModel):
    """A function, class or module block where a change may be made, and the path that led to it.

    Lines are counted from 1; `symbol` is empty for what stands around the definitions of a file. `probability`, in
    0..1, says how likely the place is the cause; it is 0 where that was not asked.
    """

    file: FilePath
    symbol: Name = ""
    first_line: int = 1
    last_line: int = 1
    why: Line = ""
    probability: Annotated[float, Field(ge=0, le=1)] = 0.0


class RankedPlaces(BoundedModel):
    """The places that may be the cause, likeliest first, without the reasons."""

    places: Annotated[tuple[Place, ...], Field(max_length=40)] = ()


class PlaceRequest(BoundedModel):
    """Asks where a suggestion is to be pursued: at the `place` that is named, as "FILE:FUNCTION", or of its text.

    Of names that are in no file it takes those of `places`, likeliest first. `templates` need a function.
    """

    snapshot: Snapshot
    checkpoint: Checkpoint
    text: Note
    place: FilePath = ""
    templates: bool = False
    places: Annotated[tuple[Place, ...], Field(max_length=40)] = ()


class SuggestedPlace(BoundedModel):
    """The file and the function that a suggestion aims at, as far as it says."""

    file: FilePath = ""
    symbol: Name = ""


class FailingTest(BoundedModel):
    """A failing test: its id and what its traceback says beside the code of the repository."""

    id: Line
    message: Note = ""


class RetrievedContext(BoundedModel):
    """The artifact retrieval makes: what failed, and the places to look at, best first."""

    issue: ArtifactRef
    failing: Annotated[tuple[FailingTest, ...], Field(max_length=10)] = ()
    failing_count: int = 0
    error: ErrorSignature | None = None
    places: Annotated[tuple[Place, ...], Field(max_length=60)] = ()


class Retrieval(BoundedModel):
    """A context, and its best places as "path:symbol"; few, since a history holds those of each retrieval."""

    context: ArtifactRef
    shown: Annotated[tuple[Name, ...], Field(max_length=8)] = ()


class RememberFixRequest(BoundedModel):
    """Tells where a verified fix has changed code, as "path:line" of the snapshot, and which issue it fixed."""

    repository_path: RepositoryPath
    snapshot: Snapshot
    issue: ArtifactRef
    places: Annotated[tuple[PathAndLine, ...], Field(max_length=20)] = ()


class IndexRequest(BoundedModel):
    """Asks for the code graph of HEAD of the repository at `path`, and for the vectors of `embedding_model`.

    Without an embedding model the vectors are lexical. The repository is on the host with the id `host`.
    """

    repository_path: RepositoryPath
    host: Name = ""
    embedding_model: Name = ""


class FileSurvey(BoundedModel):
    """What there is to index: `manifest` lists the files, `missing` those of them that are not parsed."""

    manifest: ArtifactRef
    missing: ArtifactRef
    files: int
    missing_count: int


class ParseRequest(BoundedModel):
    """Asks to parse the files from `first` to before `last` of a list of them (artifact)."""

    files: ArtifactRef
    first: int
    last: int


class LinkResult(BoundedModel):
    """A tree that is in the store, by its address in hexadecimal; `skipped` counts the files left out by reason.

    `files` are those of the tree, `linked` those whose edges were looked for anew.
    """

    commit: Name
    tree: Name
    files: int
    linked: int
    skipped: Annotated[dict[Name, int], Field(max_length=20)] = {}


class EmbedRequest(BoundedModel):
    """Asks for the vectors of nodes of `tree` that `model` has made none of yet; an empty model means lexical ones."""

    tree: Name
    model: Name = ""


class EmbedResult(BoundedModel):
    """How many vectors were made, and how many are left to make."""

    made: int
    left: int


class IndexProgress(BoundedModel):
    """How far indexing is: `done` of the `total` files to parse, and in words where it is."""

    stage: Line = "listing the files"
    total: int = 0
    done: int = 0


class IndexResult(BoundedModel):
    """What indexing came to: `parsed` counts the contents that were new; vectors follow."""

    commit: Name
    files: int
    parsed: int
    linked: int
    skipped: Annotated[dict[Name, int], Field(max_length=20)] = {}


class SearchMode(StrEnum):
    """BM25 alone, the likeness of vectors alone, both fused by rank, or the code graph with its ranker."""

    BM25 = "bm25"
    VECTOR = "vector"
    FUSION = "fusion"
    GRAPH = "graph"
