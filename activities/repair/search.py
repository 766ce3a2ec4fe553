"""The search: the distinct programs that a group's edits make of a region, likeliest first."""

import ast
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from rapidfuzz.distance import Postfix, Prefix

from activities.code.python_source import parse_source
from activities.localisation.ranking import Suspect
from activities.localisation.regions import get_first_line
from activities.localisation.source import Replacement, Source, can_compile, split_lines
from activities.localisation.vocabulary import Vocabulary
from activities.repair.canonical import canonicalise
from activities.repair.families import FamilyGroup
from activities.repair.implausible import find_oddities, find_predicates
from activities.repair.scope import NamesInScope
from activities.repair.site import Site, TemplateEdit, list_sites

BATCH = 100
"""Candidates in one attempt."""

# Edits of a region that are kept: a budget never reaches further down the list.
_EDITS = 8000
# Single edits that are combined in pairs: 60 give 1,770 pairs.
_PAIRED = 60
# Of a line longer than this a title shows the part that changes, and so much around it, in characters.
_LONG_LINE, _AROUND = 60, 16
# The factor on the prior of an edit at a name or string quoted in the error message.
_QUOTED_FACTOR = 1.3


@dataclass(frozen=True)
class Change:
    """A new text of the file that compiles, with a one-line title."""

    text: str
    title: str


@dataclass(frozen=True)
class Program:
    """The canonical form of a piece of code, and its oddities."""

    canonical_form: str
    oddities: frozenset[str]


class RepairSearch:
    """The changes of a group in one region, generated on demand in a fixed order."""

    def __init__(self, suspect: Suspect, group: FamilyGroup, vocabulary: Vocabulary) -> None:
        self._suspect = suspect
        self._group = group
        self._vocabulary = vocabulary
        self._source: Source = suspect.region.source
        self._generated: list[Change] = []
        self._lock = threading.Lock()
        self._changes = self._generate()

    @property
    def path(self) -> str:
        """The path of the changed file."""
        return self._source.path

    @property
    def text(self) -> str:
        """The text of the file before any change."""
        return self._source.text

    def list_changes(self, tried: int, count: int = BATCH) -> list[Change]:
        """Return up to `count` changes after the first `tried`, fewer or none at the end."""
        end = min(tried + count, self._group.max_changes)
        with self._lock:  # steps run in threads, and a generator cannot be advanced by two at once
            while len(self._generated) < end and (change := next(self._changes, None)) is not None:
                self._generated.append(change)
            return self._generated[tried:end]

    @cached_property
    def _edits(self) -> list[TemplateEdit]:
        try:
            scored = sorted(self._score_edits(), key=lambda pair: -pair[0])
        except (RecursionError, ValueError):
            return []  # generated code: nested too deeply, or a number with too many digits to print
        if self._group.paired:
            scored = sorted(_pair_edits(scored[:_PAIRED]), key=lambda pair: -pair[0])
        return [edit for _, edit in scored[:_EDITS]]

    def _score_edits(self) -> Iterator[tuple[float, TemplateEdit]]:
        suspect = self._suspect
        scope = NamesInScope(suspect.region, self._vocabulary)
        top = max(suspect.statements.values(), default=0.0)
        for statement in suspect.region.statements:
            suspiciousness = suspect.statements[statement] / top if top else 1.0
            if suspiciousness == 0:
                continue  # no failing test executes it
            for site in list_sites(scope, statement):
                factor = suspiciousness * (_QUOTED_FACTOR if self._is_quoted(site) else 1.0)
                for edit in self._group.edits(site):
                    yield edit.prior * factor, edit

    def _is_quoted(self, site: Site) -> bool:
        match site.node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                return word in self._vocabulary.quoted_names
        return False

    def _list_excluded_texts(self) -> set[str]:
        return {
            change.text
            for group in self._group.excluded
            for change in RepairSearch(self._suspect, group, self._vocabulary).list_changes(0, group.max_changes)
        }

    def _generate(self) -> Iterator[Change]:
        """Yield each program once, and those with a new oddity at the end or never."""
        seen: set[str] = set()
        excluded = self._list_excluded_texts()
        originals: dict[tuple[int, int], Program | None] = {}
        implausible: list[Change] = []
        for edit in self._edits:
            start, end = self._find_unit(edit.replacements)
            if (start, end) not in originals:
                originals[start, end] = self._analyse(self._source.text[start:end])
            before = originals[start, end]
            if before is None:
                continue  # generated code: so deeply nested, or with such numbers, that no program of it is analysed
            text = self._source.apply(edit.replacements)
            program = self._analyse(text[start : end + len(text) - len(self._source.text)])
            if program is None or program.canonical_form == before.canonical_form:
                continue
            key = f"{start} {program.canonical_form}"
            if key not in seen and text not in excluded:
                seen.add(key)
                change = Change(text, _describe_change(self._source.text, text))
                if program.oddities <= before.oddities:
                    yield change
                else:
                    implausible.append(change)
        if not self._group.plausible_only:
            yield from implausible

    def _find_unit(self, replacements: tuple[Replacement, ...]) -> tuple[int, int]:
        """Return the span of the region, or of the top-level statements that the replacements touch.

        Programs are compared and compiled by unit, since a whole file takes many times longer.
        """
        first, last = min(edit.start for edit in replacements), max(edit.end for edit in replacements)
        if self._suspect.region.function is not None:
            start, end = self._get_span(self._suspect.region.function)
            if start <= first and last <= end:
                return start, end
        spans = [self._get_span(node) for node in self._source.tree.body]
        touched = [(first, last), *(span for span in spans if span[0] <= last and first <= span[1])]
        return min(start for start, _ in touched), max(end for _, end in touched)

    def _get_span(self, node: ast.stmt) -> tuple[int, int]:
        return self._source.span_of_lines(get_first_line(node), node.end_lineno or node.lineno)

    @cached_property
    def _predicates(self) -> frozenset[str]:
        return find_predicates(self._source.tree)

    def _analyse(self, text: str) -> Program | None:
        tree = parse_source(f"if 1:\n{text}" if text[:1] in (" ", "\t") else text)
        if tree is None or not can_compile(tree):
            return None
        try:
            # First the oddities: canonicalising changes the tree.
            oddities = find_oddities(tree, self._predicates)
            return Program(canonicalise(tree), oddities)
        except (RecursionError, ValueError):
            return None


def _pair_edits(scored: list[tuple[float, TemplateEdit]]) -> Iterator[tuple[float, TemplateEdit]]:
    for (score, edit), (other_score, other) in combinations(scored, 2):
        replacements = sorted((*edit.replacements, *other.replacements), key=lambda edit: (edit.start, edit.end))
        if all(first.end < second.start for first, second in pairwise(replacements)):  # they do not overlap
            yield score * other_score, TemplateEdit(tuple(replacements), score * other_score)


def _describe_change(before: str, after: str) -> str:
    old, new = split_lines(before), split_lines(after)
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
    return f"line {first + 1}: {' → '.join(_cut_to_difference(removed, added))}"


def _cut_to_difference(old: str, new: str) -> tuple[str, str]:
    if max(len(old), len(new)) <= _LONG_LINE:
        return old, new
    before = Prefix.similarity(old, new)
    after = Postfix.similarity(old[before:], new[before:])
    start = old.rfind(" ", 0, max(0, before - _AROUND)) + 1
    end = old.find(" ", len(old) - after + _AROUND)
    rest = len(old) - end if end >= 0 else 0
    old_part, new_part = (
        f"{'… ' if start else ''}{line[start : len(line) - rest]}{' …' if rest else ''}" for line in (old, new)
    )
    return old_part, new_part
