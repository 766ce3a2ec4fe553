"""The edit format "diff": a unified diff whose line numbers and context need not be exact."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from activities.inference.edits.blocks import EditTarget, find_named_path, replace_lines
from hydranet.errors import PatchError

_HUNK = re.compile(r"^@@(?: -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@| ?@@| ?\.\.\. ?@@)")


@dataclass
class _Hunk:
    path: str | None
    near: int | None
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:
    """Return the files that the hunks of the answer change; None when it has no hunk, none when they change nothing."""
    hunks = _hunks(answer, sources)
    if not hunks:
        return None
    changed: dict[str, str] = {}
    for hunk in hunks:
        if hunk.old == hunk.new:
            continue
        refusal: PatchError | None = None
        for path in [hunk.path] if hunk.path else target.order(sources):
            try:
                source = changed.get(path, sources[path])
                changed[path] = replace_lines(source, hunk.old, hunk.new, path, hunk.near)
                break
            except PatchError as error:
                refusal = refusal or error
        else:
            raise refusal or PatchError("The diff names no file.")
    return changed


def _hunks(answer: str, sources: Mapping[str, str]) -> list[_Hunk]:
    hunks: list[_Hunk] = []
    path: str | None = None
    inside = False
    lines = answer.split("\n")
    for at, line in enumerate(lines):
        # A removed line may itself begin with "--"; a header has its second line after it.
        begins_file = line.startswith("--- ") and lines[at + 1 : at + 2] and lines[at + 1].startswith("+++ ")
        if start := _HUNK.match(line):
            hunks.append(_Hunk(path, int(start[1]) if start[1] else None))
            inside = True
        elif begins_file or line.startswith(("```", "diff --git ")):
            path, inside = find_named_path(line, sources) or path, False
        elif inside:
            _add(hunks[-1], line)
        elif line.startswith("+++ "):
            path = find_named_path(line, sources) or path
    return [_trimmed(hunk) for hunk in hunks]


def _add(hunk: _Hunk, line: str) -> None:
    if line.startswith("\\"):
        return
    if not line.startswith("+"):
        hunk.old.append(line[1:])
    if not line.startswith("-"):
        hunk.new.append(line[1:])


def _trimmed(hunk: _Hunk) -> _Hunk:
    # The blank line before the closing fence, or before prose, is not context.
    while hunk.old and hunk.new and not hunk.old[-1].strip() and not hunk.new[-1].strip():
        hunk.old.pop()
        hunk.new.pop()
    return hunk
