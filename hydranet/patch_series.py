"""Patches that are made one on top of the other as one patch, without the files that they change.

A diff shows the lines that it changes and some around them. What it does not show is the same before and after it, so a
file is known as lines and the gaps between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from hydranet.diff_reader import DEV_NULL, FileDiff, list_changes, read_diff
from hydranet.errors import PatchError

_CONTEXT = 3
# Beyond the end of any file.
_END = 1 << 40


class _Gap(NamedTuple):
    """Lines of the base that no patch shows: from `start` (1-based) to before `end`."""

    start: int
    end: int


class _Shown(NamedTuple):
    """A line that a patch shows; `number` is its own at the base, 0 for one that was added."""

    text: str
    number: int = 0


_Part = _Gap | _Shown


@dataclass
class _File:
    """A file as some patches leave it."""

    was_there: bool
    is_there: bool
    parts: list[_Part]
    base: dict[int, str] = field(default_factory=dict)


class PatchSeries:
    """What some diffs, each made on top of the ones before it, come to on their common base.

    Raises PatchError where one is no unified diff, or does not fit onto those before it.
    """

    def __init__(self, diffs: Sequence[str] = ()) -> None:
        self._files: dict[str, _File] = {}
        for diff in diffs:
            for change in read_diff(diff) if diff.strip() else ():
                self._apply(change)

    def format(self) -> str:
        """Return the one unified diff that does the same, empty where nothing is left of the changes."""
        return PatchSeries().compare(self)

    def compare(self, other: PatchSeries) -> str:
        """Return the unified diff that leads from what this series makes of the base to what the other one makes."""
        names = sorted(self._files.keys() | other._files.keys())
        return "".join(_compare(name, self._files.get(name), other._files.get(name)) for name in names)

    def _apply(self, change: FileDiff) -> None:
        known = self._files.get(change.path)
        if known is None:
            was_there = bool(change.old)
            parts: list[_Part] = [_Gap(1, _END)] if was_there else []
            known = self._files[change.path] = _File(was_there, was_there, parts)
        if known.is_there != bool(change.old):
            raise PatchError(f"The patches do not fit together: they disagree on whether {change.path} is there.")
        for hunk in reversed(list(change.source)):
            # From the last one on, so that the numbers of those before it hold. Without old lines it follows its line.
            first = hunk.source_start + (hunk.source_length == 0)
            _patch(known, change.path, first, list(list_changes(hunk)))
        known.is_there = bool(change.new)


def _patch(file: _File, path: str, first: int, changes: list[tuple[str, str]]) -> None:
    """Change the lines from `first` on (1-based, as the file is now)."""
    index = _find_part(file, first)
    for kind, text in changes:
        if kind == "+":
            file.parts.insert(index, _Shown(text))
            index += 1
            continue
        part: _Part | None = file.parts[index] if index < len(file.parts) else None
        if isinstance(part, _Gap):
            file.base[part.start] = text
            shown = _Shown(text, part.start)
            rest = [_Gap(part.start + 1, part.end)] if part.start + 1 < part.end else []
            file.parts[index : index + 1] = [shown, *rest]
            part = shown
        if part is None or part.text != text:
            raise PatchError(f"The patches do not fit together: a line of {path} is not what the next one says.")
        if kind == "-":
            del file.parts[index]
        else:
            index += 1


def _find_part(file: _File, line: int) -> int:
    """Return the place of a line among the parts, whose gap is cut there."""
    number = 1
    for index, part in enumerate(file.parts):
        length = part.end - part.start if isinstance(part, _Gap) else 1
        if line < number + length:
            offset = line - number
            if isinstance(part, _Gap) and offset > 0:
                cut = part.start + offset
                file.parts[index : index + 1] = [_Gap(part.start, cut), _Gap(cut, part.end)]
                return index + 1
            return index
        number += length
    return len(file.parts)


def _compare(name: str, before: _File | None, after: _File | None) -> str:
    known = before or after
    assert known is not None
    if before is not None and after is not None and before.was_there != after.was_there:
        raise PatchError(f"The patches do not fit together: they disagree on whether {name} was there.")
    untouched = _File(known.was_there, known.was_there, [_Gap(1, _END)] if known.was_there else [])
    left, right = before or untouched, after or untouched
    base = left.base | right.base
    if any(base[number] != text for number, text in left.base.items()):
        raise PatchError(f"The patches do not fit together: they disagree on a line of {name}.")
    cuts = {number for file in (left, right) for part in file.parts if isinstance(part, _Gap) for number in part}
    blocks = zip(_split(left.parts, base, cuts), _split(right.parts, base, cuts), strict=True)
    hunks = "".join(hunk for old, new in blocks for hunk in _format_hunks(old, new))
    if not hunks and left.is_there == right.is_there:
        return ""
    return f"{_format_head(name, left.is_there, right.is_there, bare=not hunks)}{hunks}"


def _format_head(name: str, was_there: bool, is_there: bool, *, bare: bool) -> str:
    mode = "" if was_there == is_there else f"{'new' if is_there else 'deleted'} file mode 100644\n"
    # Readers take the first " b/" of this line for the second name; only an empty file needs the line.
    head = f"diff --git a/{name} b/{name}\n{mode}" if " b/" not in name or bare else ""
    if bare:
        return head
    return f"{head}--- {f'a/{name}' if was_there else DEV_NULL}\n+++ {f'b/{name}' if is_there else DEV_NULL}\n"


class _Block(NamedTuple):
    """Lines without a gap between them, from the line `start` (1-based) on."""

    start: int
    lines: list[str]


def _split(parts: Sequence[_Part], base: Mapping[int, str], cuts: set[int]) -> list[_Block]:
    """Return the blocks between the gaps, which are the same in every file of one base and its lines."""
    blocks, number = [_Block(1, [])], 1
    for part in parts:
        for piece in _show(part, base, cuts) if isinstance(part, _Gap) else (part,):
            if isinstance(piece, _Shown):
                blocks[-1].lines.append(piece.text)
                number += 1
            else:
                number += piece.end - piece.start
                blocks.append(_Block(number, []))
    return blocks


def _show(gap: _Gap, base: Mapping[int, str], cuts: set[int]) -> Iterator[_Part]:
    """Yield a gap with the lines in it that another patch shows, cut where another file has the end of a gap."""
    known = sorted(number for number in base if gap.start <= number < gap.end)
    marks = sorted({gap.start, gap.end, *(cut for cut in cuts if gap.start < cut < gap.end)})
    marks = sorted({*marks, *known, *(number + 1 for number in known)})
    for start, end in pairwise(marks):
        yield _Shown(base[start], start) if start in base else _Gap(start, end)


def _format_hunks(old: _Block, new: _Block) -> Iterator[str]:
    matcher = SequenceMatcher(None, old.lines, new.lines, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        spans = f"-{_format_span(old.start + i1, i2 - i1)} +{_format_span(new.start + j1, j2 - j1)}"
        lines = [f"@@ {spans} @@\n"]
        for tag, from_old, to_old, from_new, to_new in group:
            if tag == "equal":
                lines += [f" {line}" for line in old.lines[from_old:to_old]]
            else:
                lines += [f"-{line}" for line in old.lines[from_old:to_old]]
                lines += [f"+{line}" for line in new.lines[from_new:to_new]]
        yield "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _format_span(start: int, length: int) -> str:
    # Without lines it names the one before.
    return f"{start}" if length == 1 else f"{start if length else start - 1},{length}"
