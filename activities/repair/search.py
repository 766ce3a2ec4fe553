"""The search: a group's edits in a region, likeliest first, each program once, as patches."""

import ast
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from activities.localisation.ranking import Suspect
from activities.localisation.regions import get_first_line
from activities.localisation.source import Replacement, Source, can_compile, parse_source
from activities.localisation.vocabulary import Vocabulary
from activities.repair.canonical import canonicalise
from activities.repair.families import FamilyGroup
from activities.repair.implausible import find_oddities, find_predicates
from activities.repair.scope import NamesInScope
from activities.repair.site import Site, TemplateEdit, list_sites

BATCH = 100
"""Candidates in one attempt."""

# A region with more edits than these is long; the tail of the list is never reached.
_EDITS = 8000
# Two changes are made of this many of the likeliest single ones.
_PAIRED = 60
# How much more likely an edit is where the error message names what it changes.
_QUOTED = 1.3


@dataclass(frozen=True)
class Change:
    """An edit that makes a new, valid program, and what it does in a line."""

    text: str
    title: str


@dataclass(frozen=True)
class Program:
    """What a piece of code does, the same for all ways to write it that we know, and what is odd about it."""

    form: str
    oddities: frozenset[str]


class RepairSearch:
    """The changes of a group in one region, in a fixed order, made as they are asked for."""

    def __init__(self, suspect: Suspect, group: FamilyGroup, vocabulary: Vocabulary) -> None:
        self._suspect = suspect
        self._group = group
        self._vocabulary = vocabulary
        self._source: Source = suspect.region.source
        self._found: list[Change] = []
        self._lock = threading.Lock()
        self._changes = self._distinct()

    @property
    def path(self) -> str:
        """The file that is changed."""
        return self._source.path

    @property
    def text(self) -> str:
        """The file's text before any change."""
        return self._source.text

    def after(self, tried: int, count: int = BATCH) -> list[Change]:
        """Up to `count` changes that follow the first `tried`; empty when there are no more."""
        return self._upto(tried + count)[tried:]

    def _upto(self, count: int) -> list[Change]:
        count = min(count, self._group.most)
        with self._lock:
            while len(self._found) < count and (change := next(self._changes, None)) is not None:
                self._found.append(change)
            return self._found[:count]

    @cached_property
    def _edits(self) -> list[TemplateEdit]:
        try:
            rated = sorted(self._rated(), key=lambda pair: -pair[0])
        except (RecursionError, ValueError):
            return []  # nested too deeply, or a number with too many digits, to be written by a person
        if self._group.twice:
            rated = sorted(_pairs(rated[:_PAIRED]), key=lambda pair: -pair[0])
        return [edit for _, edit in rated[:_EDITS]]

    def _rated(self) -> Iterator[tuple[float, TemplateEdit]]:
        suspect = self._suspect
        scope = NamesInScope(suspect.region, self._vocabulary)
        top = max(suspect.statements.values(), default=0.0)
        for statement in suspect.region.statements:
            suspicion = suspect.statements[statement] / top if top else 1.0
            if suspicion == 0:
                continue  # every failing test passes it by
            for site in list_sites(scope, statement):
                factor = suspicion * (_QUOTED if self._is_quoted(site) else 1.0)
                for edit in self._group.edits(site):
                    yield edit.prior * factor, edit

    def _is_quoted(self, site: Site) -> bool:
        match site.node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                return word in self._vocabulary.quoted_names
        return False

    def _tried_elsewhere(self) -> set[str]:
        """The texts that the likelier groups make."""
        searches = [(group.most, RepairSearch(self._suspect, group, self._vocabulary)) for group in self._group.beyond]
        return {change.text for most, search in searches for change in search.after(0, most)}

    def _distinct(self) -> Iterator[Change]:
        """Each program once; those in which something is odd that was not so before last, if at all."""
        seen: set[str] = set()
        tried = self._tried_elsewhere()
        originals: dict[tuple[int, int], Program | None] = {}
        odd: list[Change] = []
        for edit in self._edits:
            start, end = self._unit(edit.splices)
            if (start, end) not in originals:
                originals[start, end] = self._program(self._source.text[start:end])
            before = originals[start, end]
            text = self._source.apply(edit.splices)
            program = self._program(text[start : end + len(text) - len(self._source.text)])
            if program is None or (before is not None and program.form == before.form):
                continue
            key = f"{start} {program.form}"
            if key not in seen and text not in tried:
                seen.add(key)
                change = Change(text, _title(self._source.text, text))
                if before is None or program.oddities <= before.oddities:
                    yield change
                else:
                    odd.append(change)
        if not self._group.plain:
            yield from odd

    def _unit(self, splices: tuple[Replacement, ...]) -> tuple[int, int]:
        """The span of the region, or of the top-level statements around splices that reach out of it."""
        first, last = min(splice.start for splice in splices), max(splice.end for splice in splices)
        if self._suspect.region.function is not None:
            start, end = self._lines_of(self._suspect.region.function)
            if start <= first and last <= end:
                return start, end
        spans = [self._lines_of(node) for node in self._source.tree.body]
        around = [(first, last), *(span for span in spans if span[0] <= last and first <= span[1])]
        return min(start for start, _ in around), max(end for _, end in around)

    def _lines_of(self, node: ast.stmt) -> tuple[int, int]:
        return self._source.span_of_lines(get_first_line(node), node.end_lineno or node.lineno)

    @cached_property
    def _truths(self) -> frozenset[str]:
        return find_predicates(self._source.tree)

    def _program(self, text: str) -> Program | None:
        """What a piece of code comes to; None for no program."""
        tree = parse_source(f"if 1:\n{text}" if text[:1] in (" ", "\t") else text)
        if tree is None or not can_compile(tree):
            return None
        try:
            odd = find_oddities(tree, self._truths)
            return Program(canonicalise(tree), odd)
        except (RecursionError, ValueError):
            return None


def _pairs(rated: list[tuple[float, TemplateEdit]]) -> Iterator[tuple[float, TemplateEdit]]:
    """Any two edits that change different text, at once."""
    for (likely, one), (other_likely, other) in combinations(rated, 2):
        splices = sorted((*one.splices, *other.splices), key=lambda splice: (splice.start, splice.end))
        if all(first.end < second.start for first, second in pairwise(splices)):
            yield likely * other_likely, TemplateEdit(tuple(splices), likely * other_likely)


def _title(before: str, after: str) -> str:
    """The changed lines, as `line 3: old → new`."""
    old, new = before.splitlines(), after.splitlines()
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    removed = " ".join(line.strip() for line in old[first : len(old) - last])
    added = " ".join(line.strip() for line in new[first : len(new) - last])
    if not removed:
        return f"line {first + 1}: insert {added}"
    if not added:
        return f"line {first + 1}: remove {removed}"
    return f"line {first + 1}: {removed} → {added}"
