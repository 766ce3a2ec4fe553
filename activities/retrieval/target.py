"""The target of a run: which of the failing tests the issue speaks of, and why the others fail."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from activities.artifacts.store import get_model, get_text, put_model
from activities.code import mentions
from activities.code.test_files import is_test_file
from activities.retrieval.index import KINDS, Index
from activities.retrieval.query import Query, find_filed, find_framed, find_named, find_test_functions
from activities.retrieval.search import Found
from activities.retrieval.tokens import split_terms
from hydranet.code_graph.model import EdgeKind
from hydranet.contracts import Target, TargetRequest, TestResult, TestResults, WrittenTests
from hydranet.convergence.error_signature import ErrorSignature, extract_signature
from hydranet.convergence.frames import find_frames
from hydranet.errors import FatalError
from hydranet.failures import summarise_failures
from hydranet.text.formatting import format_count, join_words
from hydranet.text.truncation import keep_start

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.retrieval.search_cache import Searches

# What each kind of evidence counts at most.
_TEST_NAMED, _CODE_NAMED, _FILE_NAMED, _ERROR_NAMED, _RETRIEVED, _MESSAGE, _WORDS = 3.0, 2.0, 1.0, 1.0, 0.7, 2.0, 2.0
# How much more than the least of all groups is said of one that is meant, and of another beside the first.
_CLEAR, _BESIDE = 0.75, 0.6
# A name that more definitions have says little of where a test fails.
_HOMONYMS = 3
# How many calls one function may be away from another where they fail together, and how many may call it.
_CALLS, _CALLERS = 3, 5
_LABEL = 160

# What a test says that fails for what it is itself: a name or a module that is not there, or no end.
_CANNOT_RUN = re.compile(
    r"^E? *((?:NameError|ModuleNotFoundError|ImportError|SyntaxError): .{1,200}"
    r"|AttributeError: module .{1,200}"
    r"|TimeoutError: The script did not end .{1,80})$",
    re.MULTILINE,
)
_CALLED = re.compile(r"\b([A-Za-z_]\w{0,99}) ?\(")


@dataclass(frozen=True)
class FailureGroup:
    """Failing tests that seem to have one cause, by their numbers, and the code in which they fail, by its nodes."""

    tests: tuple[int, ...]
    code: frozenset[int]
    errors: tuple[ErrorSignature, ...]

    def describe(self, tests: Sequence[TestResult], index: Index) -> str:
        """Return what fails, and where."""
        kind = self.errors[0].type if self.errors else "a failure"
        first = mentions.name_test_function(tests[self.tests[0]].id)
        place = next((f"{index.nodes[node].name}()" for node in sorted(self.code) if index.nodes[node].name), first)
        return keep_start(f"{kind} in {place}", _LABEL)


async def choose_target(
    request: TargetRequest, artifacts: ArtifactStore, objects: GitObjects, searches: Searches
) -> Target:
    """Return the target, and the results in which the other failing tests have their cause."""
    results = await get_model(artifacts, request.results, TestResults)
    tests = [test for test in results.tests if test.is_target]
    search = await searches.open(objects, request.snapshot, request.checkpoint, request.repository_path)
    groups = await asyncio.to_thread(group_failures, tests, search.index)
    labels = [group.describe(tests, search.index) for group in groups]
    note = ""
    if request.written is not None:
        chosen, note = find_written(request.written, results.tests, tests)
    elif request.patterns:
        chosen = match_tests(tests, request.patterns)
    else:
        issue = await get_text(artifacts, request.issue)
        matches = await searches.find(search, Query(issue), request.repository_path)
        weights = await asyncio.to_thread(weigh_groups, groups, tests, issue, matches)
        meant = choose_groups(weights)
        # Of what fails nobody knows where, nobody knows either that it is another failure.
        chosen_groups = [number for number, group in enumerate(groups) if not group.code or number in meant]
        chosen = {test for number in chosen_groups for test in groups[number].tests}
        note = _explain([labels[number] for number in chosen_groups], len(chosen), len(tests))
    is_asked = bool(request.patterns or request.written)
    why = "it is no target" if is_asked else "the issue does not speak of it"
    causes = {
        tests[number].id: f"{why}: {label}"
        for group, label in zip(groups, labels, strict=True)
        for number in group.tests
        if number not in chosen
    }
    marked = tuple(
        test.model_copy(update={"cause": causes[test.id]}) if test.id in causes else test for test in results.tests
    )
    return Target(
        **summarise_failures(marked),
        results=await put_model(artifacts, results.model_copy(update={"tests": marked})) if causes else request.results,
        note=note,
    )


def _explain(labels: list[str], chosen: int, failing: int) -> str:
    if chosen < failing:
        speaks = f"The issue speaks of {chosen} of {format_count(failing, 'failing test')} ({join_words(labels)})"
        return f"{speaks}; the others are left as they are: --target decides."
    if len(labels) > 1:
        return (
            f"All failing tests are the target, since the issue tells none of {join_words(labels)}: --target decides."
        )
    return ""


def group_failures(tests: Sequence[TestResult], index: Index) -> list[FailureGroup]:
    """Put failing tests together that may have one cause: the same test with other parameters, or shared code.

    The code of a test is the innermost function of its traceback outside of tests; without one, what the failing
    statement calls, else what the test does. Tests share code where a few calls lead from theirs to one function that
    little else calls.
    """
    code = [_find_code(test, index) for test in tests]
    calls = _Calls(index)
    keys = [
        {("test", mentions.name_test_function(test.id), test.id.partition("::")[0])}
        | {("code", node) for node in calls.follow(nodes)}
        for test, nodes in zip(tests, code, strict=True)
    ]
    groups: list[tuple[set[object], list[int]]] = []
    for number, own in enumerate(keys):
        alike = [group for group in groups if not own.isdisjoint(group[0])]
        groups = [group for group in groups if own.isdisjoint(group[0])]
        merged = own.union(*(known for known, _ in alike))
        groups.append((merged, sorted([number, *(member for _, members in alike for member in members)])))
    return [
        FailureGroup(
            tests=tuple(members),
            code=frozenset().union(*(code[member] for member in members)),
            errors=tuple(filter(None, (extract_signature(tests[member].message) for member in members))),
        )
        for _, members in sorted(groups, key=lambda group: group[1])
    ]


class _Calls:
    """Which functions outside of tests a function calls, but for those that many call."""

    def __init__(self, index: Index) -> None:
        edges = index.edges
        kept = np.flatnonzero(edges.kind == KINDS.index(EdgeKind.CALLS))
        self._called: dict[int, set[int]] = {}
        callers: dict[int, set[int]] = {}
        for source, target in zip(edges.source[kept].tolist(), edges.target[kept].tolist(), strict=True):
            if not index.is_test[index.file[source]] and not index.is_test[index.file[target]]:
                self._called.setdefault(source, set()).add(target)
                callers.setdefault(target, set()).add(source)
        self._common = {target for target, sources in callers.items() if len(sources) > _CALLERS}

    def follow(self, nodes: Iterable[int]) -> set[int]:
        """Return the nodes, and what a few calls lead to from them."""
        reached, last = set(nodes), set(nodes)
        for _ in range(_CALLS):
            last = {target for node in last for target in self._called.get(node, ())} - reached - self._common
            reached |= last
        return reached


def _find_code(test: TestResult, index: Index) -> frozenset[int]:
    framed = find_framed(Query("", traceback=test.message), index)
    inner = [place.node for place in framed if not is_test_file(index.nodes[place.node].path)]
    if inner:
        return frozenset(inner[:1])
    lines = test.message.splitlines()
    failing = [line for line in lines if line.startswith((">", "E "))]
    return _find_called(failing, index) or _find_called(lines, index)


def _find_called(lines: Iterable[str], index: Index) -> frozenset[int]:
    called: list[int] = []
    for name in dict.fromkeys(_CALLED.findall("\n".join(lines))):
        nodes = [node for node in index.named.get(name, []) if not is_test_file(index.nodes[node].path)]
        called += nodes if len(nodes) <= _HOMONYMS else []
    return frozenset(called)


def weigh_groups(
    groups: Sequence[FailureGroup], tests: Sequence[TestResult], issue: str, matches: Found
) -> list[float]:
    """Return how much an issue speaks of each group, beyond what it says of all; `matches` is what it led to alone."""
    index, query = matches.index, Query(issue)
    named = {place.node: place.share for place in find_named(query, index)}
    filed = find_filed(query, index)
    order = np.argsort(-matches.nodes, kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    words = Counter(split_terms(issue))
    messages = [Counter(split_terms(" ".join(error.message for error in group.errors))) for group in groups]
    texts = [Counter(split_terms(_read_texts(group, tests, index))) for group in groups]
    weights = [
        _TEST_NAMED * any(_names(issue, mentions.name_test_function(tests[number].id)) for number in group.tests)
        + _CODE_NAMED * max((named.get(node, 0.0) for node in group.code), default=0.0)
        + _FILE_NAMED * max((filed.get(index.nodes[node].path, 0.0) for node in group.code), default=0.0)
        + _ERROR_NAMED * any(error.type != "AssertionError" and _names(issue, error.type) for error in group.errors)
        + _RETRIEVED * max((1 / (1 + float(ranks[node])) for node in group.code), default=0.0)
        + _MESSAGE * measure_likeness(words, messages[number], messages)
        + _WORDS * measure_likeness(words, texts[number], texts)
        for number, group in enumerate(groups)
    ]
    return [weight - min(weights) for weight in weights]


def _read_texts(group: FailureGroup, tests: Sequence[TestResult], index: Index) -> str:
    ids = tuple(tests[number].id for number in group.tests)
    nodes = {place.node for place in find_test_functions(Query("", tests=ids), index)}
    names = [index.nodes[node].name for node in (*nodes, *group.code)]
    return " ".join([*ids, *names])


def _names(issue: str, name: str) -> bool:
    last = name.rpartition(".")[2]
    return len(last) > 2 and re.search(rf"(?<!\w){re.escape(last)}(?!\w)", issue) is not None


def measure_likeness(words: Mapping[str, int], own: Mapping[str, int], all_texts: Sequence[Mapping[str, int]]) -> float:
    """Return the cosine of two bags of words, 0 to 1, in which what stands in every text counts for nothing."""

    def weigh(term: str) -> float:
        return log(len(all_texts) / max(1, sum(term in text for text in all_texts)))

    weights = {term: weigh(term) for term in own}
    shared = sum(weights[term] ** 2 for term in own if term in words)
    length = sqrt(sum(weight**2 for weight in weights.values()))
    known = sqrt(sum(weights[term] ** 2 for term in own if term in words))
    return shared / (length * known) if length and known else 0.0


def choose_groups(weights: Sequence[float]) -> list[int]:
    """Return the groups that an issue speaks of, by their numbers; all where it does not tell them apart."""
    most = max(weights, default=0.0)
    if most < _CLEAR:
        return list(range(len(weights)))
    return [number for number, weight in enumerate(weights) if weight >= _BESIDE * most]


def find_written(
    written: WrittenTests, tests: Iterable[TestResult], failing: Sequence[TestResult]
) -> tuple[set[int], str]:
    """Return the numbers of the failing tests that were written for the run, and a note on those that pass.

    FatalError when none of them fails, when they did not run, or when one cannot be evaluated.
    """
    wishes = {test.name: test.expectation for test in written.tests}
    own = [test for test in tests if _is_of(test.id, written.file)]
    if not written.of_issue and not written.drafted:
        for test in own:
            if test.is_target and _cannot_run(test, written.file):
                wish = wishes.get(_name_function(test))
                source = wish.source if wish else "What is expected"
                reason = _CANNOT_RUN.findall(test.message)[-1].strip()
                raise FatalError(f"{source} cannot be evaluated at HEAD ({reason}): correct it.")
    if not own:
        raise FatalError(f"The test command does not run {written.file}, which was written for what is expected.")
    rightly = {
        test.id
        for test in own
        if (wish := wishes.get(_name_function(test))) is not None
        and test.is_target
        and not _cannot_run(test, written.file)
        and wish.fails_with in test.message
    }
    chosen = {number for number, test in enumerate(failing) if test.id in rightly}
    names = [_name_function(test) for test in own if not test.is_failing]
    hold = [wishes[name].source for name in names if name in wishes]
    if not chosen and written.of_issue:
        sources = join_words([wish.source for wish in wishes.values()])
        raise FatalError(
            f"No test fails at HEAD, and {sources} does not fail there as the issue says: "
            "say what is expected with --expect, or add a failing test for the issue and commit it."
        )
    if not chosen:
        raise FatalError(f"{join_words(hold) or 'What is expected'} holds at HEAD already: say what is wrong there.")
    return chosen, f"{join_words(hold)} holds at HEAD already, and stays a test." if hold else ""


def _name_function(test: TestResult) -> str:
    return mentions.name_test_function(test.id).rpartition(".")[2]


def _cannot_run(test: TestResult, file: str) -> bool:
    """Return whether a test fails for what itself says: what its own lines raise, not what the code raises."""
    frames = [frame.path for frame in find_frames(test.message) if not frame.path.endswith("importlib/__init__.py")]
    is_own = not frames or frames[-1].endswith(file) or "The script did not end" in test.message
    return is_own and _CANNOT_RUN.search(test.message) is not None


def _is_of(test: str, file: str) -> bool:
    module = file.removesuffix(".py").replace("/", ".")
    dotted = f".{test.partition('[')[0]}"
    return test.startswith(f"{file}::") or test == file or f".{module}." in dotted or dotted.endswith(f".{module}")


def match_tests(tests: Sequence[TestResult], patterns: Collection[str]) -> set[int]:
    """Return the numbers of the tests that are named; FatalError when a pattern names none of them.

    A pattern is a test's id, the beginning or end of it, or has `*` for what is left out.
    """
    for pattern in patterns:
        if not any(_matches(test.id, pattern) for test in tests):
            names = join_words([test.id for test in tests])
            raise FatalError(f"--target {pattern} names no test that fails at HEAD: name one of {names}.")
    return {number for number, test in enumerate(tests) if any(_matches(test.id, pattern) for pattern in patterns)}


def _matches(test: str, pattern: str) -> bool:
    bare = test.partition("[")[0]
    starts = tuple(f"{pattern}{mark}" for mark in ("::", "[", ".", "/"))
    ends = tuple(f"{mark}{pattern}" for mark in ("::", ".", "/"))
    return pattern in (test, bare) or test.startswith(starts) or bare.endswith(ends) or fnmatchcase(test, pattern)
