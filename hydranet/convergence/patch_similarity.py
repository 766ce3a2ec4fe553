"""Similarity of patches: how much the idea of one is the idea of the other."""

import keyword
import re
import zlib
from bisect import bisect_right
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from hydranet.patches import Edit, Patch

# Any two pieces of code share this much of their tokens by chance, counted as _alike counts.
_CHANCE = 0.4
# The longer of two texts counts this much less: a patch that grew is still the same patch.
_GROWTH = 0.3
# Edits up to this many lines apart are in about the same place.
_REACH = 5
# What is left of the likeness of edits that lie further apart.
_ELSEWHERE = 0.55
# The very same change of the very same lines, found further away, where lines may have moved to; it takes
# some tokens to tell a line that is replaced, and more to tell text that is only put in or only taken out.
_MOVED, _TELLING, _TELLING_TEXT = 0.8, 5, 16
# Only a patch that is the same, line for line, is worth 1.
_ALMOST = 0.95

_CODE = r"""[^\W\d]\w*|\d[\w.]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[-+*/%&|^=<>!:]=|\*\*|//|->|=>|&&|\|\||\S"""
# Within a line a comment stands apart; anything else, such as `$#`, a colour or a URL in a text, is code, and
# so are the comments that a compiler obeys.
_HASH_COMMENTS = re.compile(rf"((?:^#(?!!)|(?<=\s)#(?=\s|$)).*)|({_CODE})")
_SLASH_COMMENTS = re.compile(rf"((?:^|(?<=\s))//(?!go:|\s*\+build|\s*@ts-).*|/\*.*?\*/)|({_CODE})")
_NO_COMMENTS = re.compile(rf"(\Z)|({_CODE})")
_HASHED = ("py", "pyi", "pyx", "sh", "rb", "toml", "yaml", "yml", "cfg", "ini")
_SLASHED = ("js", "jsx", "mjs", "cjs", "ts", "tsx", "go", "rs", "java", "kt", "cs", "c", "h", "cc", "cpp")
_LEXERS = {**dict.fromkeys(_HASHED, _HASH_COMMENTS), **dict.fromkeys(_SLASHED, _SLASH_COMMENTS)}
_KEYWORDS = {*keyword.kwlist, "const", "let", "var", "function", "new", "func", "nil", "null", "true", "false"}

# A token is one character: names and values, which small edits change, lie above _NAMES, all else below.
_NAMES = 0x10000
_OTHER = "\x01"


TokenLine = tuple[int, str]
"""A line: its indentation and its tokens, each of which is one character."""


class _Side(NamedTuple):
    """One side (removed or added) of a patch in one file."""

    lines: tuple[TokenLine, ...]
    tokens: str
    shuffled: str
    names: frozenset[str]


class _Span(NamedTuple):
    """The old lines of one edit, and the number of its tokens."""

    first: int
    last: int
    size: int


class _FileShape(NamedTuple):
    """What a patch does to one file; `bare` counts the edits without lines."""

    removed: _Side
    added: _Side
    spans: tuple[_Span, ...]
    bare: int

    @property
    def size(self) -> int:
        return len(self.removed.tokens) + len(self.added.tokens) + self.bare

    def same_change(self, other: "_FileShape") -> bool:
        sides = ((self.spans, other.spans), (other.spans, self.spans))
        return self.same_text(other) and all(_closeness(span, by) for spans, by in sides for span in spans)

    def same_text(self, other: "_FileShape") -> bool:
        return (
            self.removed.lines == other.removed.lines
            and self.added.lines == other.added.lines
            and self.bare == other.bare
        )


class _Shape(NamedTuple):
    files: dict[str, _FileShape]
    digest: str


def is_empty_change(patch: Patch) -> bool:
    """Return whether a patch changes nothing but comments, blank lines and trailing spaces."""
    shape = _shape(patch)
    return not shape.files and not shape.digest


@lru_cache(maxsize=512)
def measure_similarity(patch: Patch, earlier: Patch) -> float:
    """Return how much `patch` repeats `earlier`, 0..1; 1 for the same change, and for a patch that changes nothing.

    Per file, the longest common subsequence of the tokens of added and of removed lines, in any order
    of statements, weighed with how near the lines are; in the same place a renamed identifier is the
    same. Where one patch is larger than the other, what the smaller one repeats counts most.
    """
    if is_empty_change(patch):
        return 1.0
    current, earlier_shape = _shape(patch), _shape(earlier)
    if _same(current, earlier_shape):
        return 1.0
    pairs = {
        name: (file, earlier_shape.files[name]) for name, file in current.files.items() if name in earlier_shape.files
    }
    if not pairs:
        return 0.0
    near, away = _weigh_places(list(pairs.values()))
    # What lies elsewhere counts against what is where it was: with most of it elsewhere, the patch is elsewhere.
    place = _ELSEWHERE + (1 - _ELSEWHERE) * max(0.0, near - away)
    likeness = {
        name: max(place * _file_likeness(*pair), _MOVED if away in (0.0, 1.0) and _has_moved(*pair) else 0.0)
        for name, pair in pairs.items()
    }
    low, high = sorted(_repeated(shape, likeness) for shape in (current, earlier_shape))
    return min(_ALMOST, high * (low / high) ** _GROWTH) if high else 0.0


def tokenise(edit: Edit) -> tuple[tuple[TokenLine, ...], tuple[TokenLine, ...]]:
    """Return the removed and the added lines of an edit without comments and blank lines."""
    kind = edit.file.rpartition(".")[2].lower()
    removed, added = ([_line(kind, text) for text in side] for side in (edit.removed, edit.added))
    return tuple(line for line in removed if line[1]), tuple(line for line in added if line[1])


def _same(left: _Shape, right: _Shape) -> bool:
    return (
        left.files.keys() == right.files.keys()
        and left.digest == right.digest
        and all(file.same_change(right.files[name]) for name, file in left.files.items())
    )


def _repeated(shape: _Shape, likeness: dict[str, float]) -> float:
    total = sum(file.size for file in shape.files.values())
    return sum(shape.files[name].size * alike for name, alike in likeness.items()) / total if total else 0.0


def _file_likeness(left: _FileShape, right: _FileShape) -> float:
    near, _ = _weigh_places([(left, right)])
    parts = [(0.15, near)]
    for weight, a, b in ((0.15, left.removed, right.removed), (0.7, left.added, right.added)):
        if a.tokens or b.tokens:
            parts.append((weight, _side_likeness(a, b, same_place=near == 1.0)))
    return sum(weight * part for weight, part in parts) / sum(weight for weight, _ in parts)


def _has_moved(left: _FileShape, right: _FileShape) -> bool:
    removed, added = len(left.removed.tokens), len(left.added.tokens)
    telling = (added and removed >= _TELLING) or max(removed, added) >= _TELLING_TEXT
    return bool(telling) and left.same_text(right)


def _weigh_places(pairs: list[tuple[_FileShape, _FileShape]]) -> tuple[float, float]:
    """Return how near the edits of one patch lie to those of the other, and the share of them that is out of reach.

    Of both directions the nearer one counts: a patch that grew is still in its place.
    """
    weighed = []
    for spans in ([(own, other.spans) for own, other in pairs], [(own, other.spans) for other, own in pairs]):
        gaps = [(span.size, _closeness(span, by)) for file, by in spans for span in file.spans]
        size = sum(weight for weight, _ in gaps)
        near = sum(weight * closeness for weight, closeness in gaps) / size
        weighed.append((near, sum(weight for weight, closeness in gaps if not closeness) / size))
    return max(weighed, key=lambda pair: pair[0] - pair[1])


def _side_likeness(left: _Side, right: _Side, *, same_place: bool) -> float:
    likeness = _alike(left.tokens, right.tokens)
    if likeness < _ALMOST:
        likeness = max(likeness, _alike(left.shuffled, right.shuffled))
    if likeness < _ALMOST and same_place:
        strange = {ord(token): _OTHER for token in left.names ^ right.names}
        renamed = _alike(left.tokens.translate(strange), right.tokens.translate(strange))
        likeness = max(likeness, (likeness + renamed) / 2)
    return likeness


def _alike(left: str, right: str) -> float:
    small, large = sorted((len(left), len(right)))
    if not small:
        return 0.0
    share: float = LCSseq.similarity(left, right) / small * (small / large) ** _GROWTH
    return max(0.0, (share - _CHANCE) / (1 - _CHANCE))


def _closeness(span: _Span, by: tuple[_Span, ...]) -> float:
    index = bisect_right(by, span.first, key=attrgetter("first"))
    gaps = [max(other.first - span.last, span.first - other.last, 1) for other in by[max(0, index - 1) : index + 1]]
    return max(0.0, 1 - (min(gaps) - 1) / (_REACH - 1))


@lru_cache(maxsize=512)
def _shape(patch: Patch) -> _Shape:
    edits: dict[str, list[Edit]] = {}
    for edit in patch.edits:
        edits.setdefault(edit.file, []).append(edit)
    shapes = {name: _file_shape(own) for name, own in edits.items()}
    return _Shape({name: shape for name, shape in shapes.items() if shape.size}, patch.digest)


def _file_shape(edits: list[Edit]) -> _FileShape:
    removed, added, spans, bare = list[TokenLine](), list[TokenLine](), list[_Span](), 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        old, new = tokenise(edit)
        bare += not edit.removed and not edit.added
        if old == new and (edit.removed or edit.added):
            continue
        removed += old
        added += new
        size = sum(len(tokens) for _, tokens in (*old, *new))
        spans.append(_Span(edit.start, edit.start + max(len(edit.removed) - 1, 0), max(size, 1)))
    return _FileShape(_side(removed), _side(added), tuple(spans), bare)


def _side(lines: list[TokenLine]) -> _Side:
    tokens = [tokens for _, tokens in lines]
    text = "".join(tokens)
    names = frozenset(token for token in set(text) if ord(token) >= _NAMES)
    return _Side(tuple(lines), text, "".join(sorted(tokens)), names)


@lru_cache(maxsize=16_384)
def _line(kind: str, text: str) -> TokenLine:
    text = text.expandtabs(4)
    code = text.strip()
    tokens = _LEXERS.get(kind, _NO_COMMENTS).findall(code)
    return len(text) - len(text.lstrip()), "".join(_character(token) for _, token in tokens if token)


def _character(token: str) -> str:
    number = zlib.crc32(token.encode())
    value = token[0].isdigit() or token[0] in "\"'"
    if value or (token.isidentifier() and token not in _KEYWORDS):
        return chr(_NAMES + number % 0xF0000)
    return chr(0x100 + number % 0xC000)
