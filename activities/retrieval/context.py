"""The context of a bug: what failed, and whole pieces of code within a budget."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from activities.artifacts.store import get_model
from activities.retrieval import syntax
from activities.retrieval.imports import Modules
from activities.retrieval.walk import BEYOND_DOUBT, Module, Place, Walk
from hydranet.contracts import Context, FailingTest, RetrieveRequest, Shown, Snippet, TestResults
from hydranet.signatures import error_signature

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.checkpoints.objects import GitObjects

SNIPPET_CHARACTERS = 8000
"""The budget of code in a context; a first function that is beyond doubt is in it whatever its length."""

_TEST_CHARACTERS = 2000
_AROUND_CHARACTERS = 800
_LONG_SNIPPET = 3000
_LONGEST_SNIPPET = 12_000
_FAILING_TESTS = 10


async def gather(request: RetrieveRequest, artifacts: ArtifactStore, objects: GitObjects) -> Context:
    """Walk from the failing tests and the issue to the code, and keep the best of what was found."""
    issue = request.issue
    results = await get_model(artifacts, request.results, TestResults)
    failing = [test for test in results.tests if test.outcome in ("failed", "error")]

    async def read(path: str) -> str | None:
        return await objects.read(request.snapshot, request.checkpoint, path)

    walk = Walk(Modules(await objects.files(request.snapshot, request.checkpoint)), read)
    await walk.run(failing[:_FAILING_TESTS], issue, request.touched)
    return Context(
        issue=issue,
        failing=tuple(FailingTest(id=test.id, message=test.message[-1500:]) for test in failing[:_FAILING_TESTS]),
        failing_count=len(failing),
        error=error_signature(failing[0].message) if failing else None,
        snippets=tuple(await _snippets(walk)),
    )


async def _snippets(walk: Walk) -> list[Snippet]:
    tests = [await _snippet(walk, place, "the failing test") for place in walk.tests[:1]]
    chosen = [one for one in tests if one is not None and len(one.code) <= _TEST_CHARACTERS]
    ranked = sorted(walk.found, key=lambda place: (-walk.found[place].score, place.path, place.one.first))
    room = SNIPPET_CHARACTERS - sum(len(one.code) for one in chosen)
    taken: list[Place] = []
    for place in ranked:
        if _overlaps(place, taken):
            continue
        snippet = await _snippet(walk, place, walk.found[place].why)
        beyond_doubt = not taken and walk.found[place].score >= BEYOND_DOUBT
        limit = _LONGEST_SNIPPET if beyond_doubt else min(room, _LONG_SNIPPET)
        if snippet is not None and len(snippet.code) <= limit:
            around = _surroundings(await walk.module(place.path), place, taken, room - len(snippet.code))
            chosen += [snippet, *around]
            taken.append(place)
            room -= sum(len(one.code) for one in (snippet, *around))
    return chosen[:40]


def _surroundings(module: Module | None, place: Place, taken: list[Place], room: int) -> list[Snippet]:
    """What stands around the definitions of a file, such as imports and docstring, once for each file."""
    if module is None or any(other.path == place.path for other in taken):
        return []
    lines = module.source.split("\n")
    for one in module.definitions:
        if one.kind != "variable":
            lines[one.first - 1 : one.last] = [""] * (one.last - one.first + 1)
    code = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not code or len(code) > min(_AROUND_CHARACTERS, room):
        return []
    shown = Shown(file=place.path, last_line=len(lines), why="the rest of the file")
    return [Snippet(shown=shown, code=code)]


async def _snippet(walk: Walk, place: Place, why: str) -> Snippet | None:
    module = await walk.module(place.path)
    if module is None or max(len(place.path), len(place.one.name)) > 200:
        return None
    shown = Shown(
        file=place.path,
        symbol=place.one.name,
        first_line=place.one.first,
        last_line=place.one.last,
        why=why,
    )
    code = syntax.excerpt(module.source, place.one, module.definitions)
    return Snippet(shown=shown, code=code) if len(code) <= _LONGEST_SNIPPET else None


def _overlaps(place: Place, taken: Iterable[Place]) -> bool:
    """Whether a place lies in, or around, one that is shown already."""
    return any(
        other.path == place.path and other.one.first <= place.one.last and place.one.first <= other.one.last
        for other in taken
    )
