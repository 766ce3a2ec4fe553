"""Unified diffs applied to texts."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@.*")


class DoesNotApply(ValueError):
    """A hunk whose lines are not in the text."""


def parse(diff: str) -> list[tuple[int, list[str]]]:
    """Return for each hunk where its old lines begin, from 0, and its lines with their signs."""
    hunks: list[tuple[int, list[str]]] = []
    for row in diff.splitlines():
        if match := _HEADER.fullmatch(row):
            start, count = int(match[1]), match[2]
            hunks.append((start if count == "0" else start - 1, []))
        elif hunks:
            hunks[-1][1].append(row)
    return hunks


def apply(text: str, diff: str) -> str:
    """Return a text with a unified diff applied; DoesNotApply where the lines of a hunk are nowhere near."""
    lines = text.splitlines()
    drift = 0
    for start, rows in parse(diff):
        old = [row[1:] for row in rows if row[:1] in " -"]
        new = [row[1:] for row in rows if row[:1] in " +"]
        at = _place(lines, old, start + drift)
        lines[at : at + len(old)] = new
        drift = at - start + len(new) - len(old)
    return "".join(line + "\n" for line in lines)


def _place(lines: Sequence[str], old: list[str], start: int, reach: int = 20) -> int:
    """Return the place nearest to `start` at which the old lines are."""
    for distance in range(reach + 1):
        for at in (start - distance, start + distance):
            if 0 <= at <= len(lines) - len(old) and list(lines[at : at + len(old)]) == old:
                return at
    raise DoesNotApply(f"the lines at {start + 1} are not in the text")
