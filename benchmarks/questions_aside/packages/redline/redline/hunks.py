"""Changes with the lines around them."""

from collections.abc import Sequence
from dataclasses import dataclass

from redline.changes import Change


@dataclass(frozen=True)
class Hunk:
    """Changes near each other; its lines on either side, from 0, ends excluded, and each line with its sign."""

    start: int
    end: int
    new_start: int
    new_end: int
    lines: tuple[str, ...]


def side(start: int, end: int) -> str:
    """Return how a hunk's header names its lines on one side, for example `3,4`."""
    count = end - start
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"


def header(hunk: Hunk) -> str:
    """Return the first line of a hunk."""
    return f"@@ -{side(hunk.start, hunk.end)} +{side(hunk.new_start, hunk.new_end)} @@"


def group(changes: Sequence[Change], context: int) -> list[list[Change]]:
    """Put changes together that have no more than twice the context between them."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups and change.start - groups[-1][-1].end <= 2 * context:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def make_hunk(old: Sequence[str], changes: Sequence[Change], context: int) -> Hunk:
    """Return the hunk of some changes with so many lines of context, fewer at the ends of the text."""
    first, last = changes[0], changes[-1]
    before = min(context, first.start)
    after = min(context, len(old) - last.end)
    at = first.start - before
    lines: list[str] = []
    for change in changes:
        lines += [" " + line for line in old[at : change.start]]
        lines += ["-" + line for line in old[change.start : change.end]]
        lines += ["+" + line for line in change.lines]
        at = change.end
    lines += [" " + line for line in old[at : at + after]]
    return Hunk(first.start - before, last.end + after, first.new_start - before, last.new_end + after, tuple(lines))
