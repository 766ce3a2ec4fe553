"""Lines of a file that a question shows, and an answer's lines put in their place."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import Match, SequenceMatcher

from activities.inference.edits.blocks import ELISION, find_indentation
from hydranet.errors import PatchError

# How far from the lines that were asked for an answer may begin or end.
_REACH = 40
# Lines as short as ")" or "else:" stand in many places.
_TELLING_CHARACTERS = 6
_NEAR = 3
# Fewer lines than this may all be new.
_FEW = 4
_LEAST_KEPT = 0.4


def replace_region(lines: Sequence[str], first: int, last: int, answer: Sequence[str]) -> tuple[int, int, list[str]]:
    """Return which lines (1-based) `answer` stands for, near `first` to `last`, and the answer indented like them.

    An answer that begins earlier or ends later than asked is recognised by its first and last line. PatchError when it
    keeps too little of the lines to be a version of them.
    """
    new = _trim(answer)
    if not new:
        raise PatchError("The answer holds no code.")
    start = _find_anchor(lines, new[0], first)
    end = _find_anchor(lines, new[-1], last)
    if start is None or end is None or start > end:
        start, end = (start, last) if start is not None and start <= last else (first, end or last)
        start = start if start <= end else first
    old = list(lines[start - 1 : end])
    _refuse_elisions(old, new)
    kept = sum(block.size for block in _match(old, new))
    if len(old) > _FEW and kept < _LEAST_KEPT * len(old):
        raise PatchError("The answer is not a version of the lines that were asked for.")
    return start, end, indent_like(old, new)


def indent_like(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return `new` indented, with tabs or blanks, as the lines of `old` are that it repeats."""
    widths = [(_width(old[i]), _width(new[j])) for i, j in _pairs(old, new)]
    shifts = Counter(there - given for there, given in widths)
    if shifts:
        ((shift, _),) = shifts.most_common(1)
    else:
        shift = _least_width(old) - _least_width(new)
        # A line that replaces others may stand deeper or less deep; only code outside of all blocks was moved.
        shift = shift if _least_width(new) == 0 else 0
    shifted = [" " * max(0, _width(line) + shift) + line.lstrip() if line.strip() else "" for line in new]
    if shift == 0 and new and old and not find_indentation(new[0]) and old[0].strip() == new[0].strip():
        # The white space before the whole answer was cut off.
        shifted[0] = " " * _width(old[0]) + new[0].lstrip()
    if any(line.startswith("\t") for line in old):
        return [
            re.sub(r"^ +", lambda blanks: "\t" * (len(blanks[0]) // 4) + " " * (len(blanks[0]) % 4), line)
            for line in shifted
        ]
    return shifted


def _trim(lines: Sequence[str]) -> list[str]:
    inked = [number for number, line in enumerate(lines) if line.strip()]
    return [line.rstrip() for line in lines[inked[0] : inked[-1] + 1]] if inked else []


def _find_anchor(lines: Sequence[str], wanted: str, near: int) -> int | None:
    text = wanted.strip()
    reach = _REACH if len(text) >= _TELLING_CHARACTERS else _NEAR
    places = (number for number, line in enumerate(lines, 1) if line.strip() == text and abs(number - near) <= reach)
    return min(places, key=lambda number: abs(number - near), default=None)


def _match(old: Sequence[str], new: Sequence[str]) -> list[Match]:
    matcher = SequenceMatcher(None, [line.strip() for line in old], [line.strip() for line in new], autojunk=False)
    return matcher.get_matching_blocks()


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    return [
        (block.a + offset, block.b + offset)
        for block in _match(old, new)
        for offset in range(block.size)
        if old[block.a + offset].strip()
    ]


def _refuse_elisions(old: Sequence[str], new: Sequence[str]) -> None:
    known = {line.strip() for line in old}
    if any((ELISION.match(line) or line.strip() == "...") and line.strip() not in known for line in new):
        raise PatchError("The answer leaves out lines; write all of them.")


def _width(line: str) -> int:
    return len(find_indentation(line.expandtabs(4)))


def _least_width(lines: Sequence[str]) -> int:
    return min((_width(line) for line in lines if line.strip()), default=0)
