"""The context of a bug: what failed, and whole pieces of code within a budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from activities.artifacts.store import get_model, get_text
from activities.retrieval.query import Query
from activities.retrieval.search import Hit
from hydranet.contracts import FailingTest, Place, RetrievedContext, RetrieveRequest, TestResult, TestResults
from hydranet.convergence.error_signature import extract_signature
from hydranet.convergence.tracebacks import extract_essence
from hydranet.text.truncation import keep_ends

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.retrieval.search import Found
    from activities.retrieval.search_cache import Searches

HITS = 59
"""How many places a context has beside the failing test: those behind find no room in a prompt."""

_FAILING_TESTS = 10
_MESSAGE = 1500


async def gather_context(
    request: RetrieveRequest, artifacts: ArtifactStore, objects: GitObjects, searches: Searches
) -> RetrievedContext:
    """Search from the failing tests and the issue, and keep the best of what was found."""
    results = await get_model(artifacts, request.results, TestResults)
    failing = [test for test in results.tests if test.is_target]
    search = await searches.open(objects, request.snapshot, request.checkpoint, request.repository_path)
    query = _query(request, await get_text(artifacts, request.issue), failing[:_FAILING_TESTS])
    hits = await searches.find(search, query, request.repository_path)
    return RetrievedContext(
        issue=request.issue,
        failing=tuple(
            FailingTest(id=test.id, message=keep_ends(extract_essence(test.message), _MESSAGE))
            for test in failing[:_FAILING_TESTS]
        ),
        failing_count=len(failing),
        error=extract_signature(failing[0].message) if failing else None,
        places=_rank_places(hits),
    )


def _query(request: RetrieveRequest, issue: str, failing: Iterable[TestResult]) -> Query:
    tests = list(failing)
    return Query(
        text=issue,
        traceback="\n".join(test.message for test in tests),
        tests=tuple(test.id for test in tests),
        names=request.asked,
        touched=request.touched,
    )


def _rank_places(hits: Found) -> tuple[Place, ...]:
    """Return the first failing test, so that a prompt shows it if it is short, then what was found."""
    tests = [Hit(node, 1.0, "the failing test") for node in hits.tests[:1]]
    places = (hit.place for hit in (*tests, *hits.functions(HITS)))
    return tuple(place for place in places if place is not None)
