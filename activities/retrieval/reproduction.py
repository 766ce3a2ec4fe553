"""Which drafts of tests reproduce an issue: those that fail at HEAD for the reason that the issue gives."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.artifacts.store import get_model, get_text
from activities.code import mentions
from activities.code.assertions import Assertion, are_told, find_assertion, is_complained_of, read_actual
from activities.code.test_files import is_test_file
from hydranet.contracts import Judgement, JudgeRequest, Place, RetrievedContext, Spectrum, TestResult, WrittenTest
from hydranet.convergence.error_signature import ErrorClass, extract_signature
from hydranet.convergence.frames import find_deepest_frame, find_frames
from hydranet.text.truncation import keep_start

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore

# Code that is retrieved behind these places has too little to do with the issue.
_PLACES = 12
_MESSAGE = 15
_NAME = re.compile(r"[A-Za-z_]\w*")
# What an issue quotes, and what it calls or writes with underscores.
_WRITTEN = re.compile(r"`(?P<quoted>[^`\n]{1,200})`|\b(?P<called>[A-Za-z]\w*(?=\()|[A-Za-z]\w*_\w+)")
_HANGS = re.compile(
    r"\b(?:hangs?|hung|never (?:ends?|returns?|finish\w*|stops?)|infinite|endless\w*|for ever|forever|time[sd]? ?out"
    r"|does(?: not|n't) (?:end|return|finish|stop|terminate)|runs on)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FailingDraft:
    """A draft that fails for a reason of the issue: its test, and what it asserts, None where the code raises."""

    test: WrittenTest
    assertion: Assertion | None
    is_told: bool


async def judge_drafts(request: JudgeRequest, artifacts: ArtifactStore) -> Judgement:
    """Return which drafts reproduce the issue, the best first, and why the others do not."""
    spectrum = await get_model(artifacts, request.spectrum, Spectrum)
    context = await get_model(artifacts, request.context, RetrievedContext)
    issue = await get_text(artifacts, context.issue)
    return await asyncio.to_thread(judge, request.written.file, request.written.tests, spectrum, context.places, issue)


def judge(
    file: str, tests: Sequence[WrittenTest], spectrum: Spectrum, places: Sequence[Place], issue: str
) -> Judgement:
    """Return which of the tests in a file reproduce an issue, and why the others do not.

    Of those that assert something two draws have to agree, or the issue has to name the value that is right and the
    one that the code gives: a model that understands nothing also writes tests that fail.
    """
    results = {mentions.name_test_function(test.id).rpartition(".")[2]: test for test in spectrum.tests}
    numbers = {test.id: number for number, test in enumerate(spectrum.tests)}
    near = [place for place in places if not is_test_file(place.file)][:_PLACES]
    named = list_named(places, issue)
    failing: list[FailingDraft] = []
    refused: list[str] = []
    for test in tests:
        result = results.get(test.name)
        reason = "it was not run" if result is None else find_objection(result, file, issue)
        assertion = None
        if result is not None and not reason:
            assertion = _find_failing(test, result, file)
            if assertion is not None and not _reaches(numbers[result.id], near, spectrum, test):
                reason = "it fails without any of the code that the issue speaks of"
            elif assertion is not None and named.isdisjoint(_NAME.findall(test.expectation.code)) and named:
                reason = f"it uses nothing that the issue names, such as {min(named)}"
            elif assertion is not None and is_complained_of(assertion.expected, issue):
                reason = "it asserts what the issue complains of"
        if reason:
            refused.append(f"{test.source}: {reason}")
        else:
            is_certain = assertion is None or _is_told(assertion, result, issue)
            failing.append(FailingDraft(test, assertion, is_certain))
    kept = [draft for draft in failing if draft.is_told or _count_votes(draft, failing) > 1]
    refused += [
        f"{draft.test.source}: no other draft asserts the same, and the issue does not say what it asserts"
        for draft in failing
        if draft not in kept
    ]
    kept.sort(key=lambda draft: (-_count_votes(draft, failing), not draft.is_told, len(draft.test.expectation.code)))
    return Judgement(kept=tuple(draft.test.name for draft in kept), refused=tuple(refused))


def _is_told(assertion: Assertion, result: TestResult | None, issue: str) -> bool:
    """Return whether the issue says both what the code should give and what it gives."""
    actual = read_actual(result.message) if result is not None else ""
    return are_told(assertion.expected, actual, issue)


def list_named(places: Sequence[Place], issue: str) -> set[str]:
    """Return the names of functions and classes among the places that an issue writes as code."""
    written = {name for match in _WRITTEN.finditer(issue) for name in _NAME.findall(match["quoted"] or match["called"])}
    return {place.symbol.rpartition(".")[2] for place in places} & written


def _count_votes(draft: FailingDraft, drafts: Sequence[FailingDraft]) -> int:
    return len({other.test.source for other in drafts if other.assertion == draft.assertion})


def find_objection(test: TestResult, file: str, issue: str) -> str:
    """Return why the result of a draft's test is no reproduction, or nothing."""
    if test.outcome == "passed":
        return "it passes at HEAD"
    if not test.is_failing:
        return f"it is {test.outcome}"
    error = extract_signature(test.message)
    if error is None:
        return "it fails without a word"
    text = keep_start(f"{error.type}: {error.message}", 120)
    frames = list(find_frames(test.message))
    deepest = find_deepest_frame(frames)
    is_own = not deepest.path or deepest.path.endswith(file)
    if error.error_class is ErrorClass.TIMEOUT:
        return "" if not is_own and _HANGS.search(issue) else "it does not end"
    if is_own:
        is_check = error.error_class is ErrorClass.ASSERTION and frames and frames[-1].path.endswith(file)
        return "" if is_check else f"it fails by itself ({text})"
    if is_test_file(deepest.path):
        return f"it fails in {deepest.path} ({text})"
    name = error.type.rpartition(".")[2]
    is_named = re.search(rf"\b{re.escape(name)}\b", issue) is not None
    if is_named or (len(error.message) >= _MESSAGE and error.message in issue):
        return ""
    return f"it ends in an error of which the issue does not speak ({text})"


def _find_failing(test: WrittenTest, result: TestResult, file: str) -> Assertion | None:
    """Return the check that fails; None where the code under test raises."""
    frames = list(find_frames(result.message))
    if not find_deepest_frame(frames).path.endswith(file):
        return None
    code = test.expectation.code
    quoted = [line[1:].strip() for line in result.message.splitlines() if line.startswith(">")]
    lines = [number for number, line in enumerate(code.split("\n"), 1) if quoted and line.strip() == quoted[-1]]
    return find_assertion(code, lines[0] if lines else 0)


def _reaches(number: int, places: Sequence[Place], spectrum: Spectrum, test: WrittenTest) -> bool:
    if not spectrum.lines:
        # Another runner than pytest leaves no coverage.
        names = set(re.findall(r"\w+", test.expectation.code))
        return any(place.symbol.rpartition(".")[2] in names for place in places)
    return any(
        number in tests
        for place in places
        for line, tests in spectrum.lines.get(place.file, {}).items()
        if place.first_line <= line <= place.last_line
    )
