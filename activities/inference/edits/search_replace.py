"""The edit format "search_replace": blocks of lines to find and lines to put in their place."""

import re
from collections.abc import Mapping

from activities.inference.edits.blocks import EditTarget, find_named_path, replace_lines
from hydranet.errors import PatchError

# Small models put other words after the signs, such as the file's name.
_SEARCH = re.compile(r"^\s*<{5,}")
_DIVIDER = re.compile(r"^\s*={5,}[^=]*$")
_REPLACE = re.compile(r"^\s*>{5,}")


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:
    """Return the files that the answer's search/replace blocks change; None when it has none."""
    lines = answer.split("\n")
    if not any(_SEARCH.match(line) for line in lines):
        return None
    changed: dict[str, str] = {}
    named: str | None = None
    at = 0
    while at < len(lines):
        named = find_named_path(lines[at], sources) or named
        if not _SEARCH.match(lines[at]):
            at += 1
            continue
        divider = _find(_DIVIDER, lines, at)
        end = _find(_REPLACE, lines, divider)
        old, new = lines[at + 1 : divider], lines[divider + 1 : end]
        path, source = _replaced({**sources, **changed}, target, named, old, new)
        changed[path] = source
        at = end + 1
    return changed


def _find(marker: re.Pattern[str], lines: list[str], start: int) -> int:
    for at in range(start + 1, len(lines)):
        if marker.match(lines[at]):
            return at
    raise PatchError("A search/replace block in the answer is not complete.")


def _replaced(
    sources: Mapping[str, str], target: EditTarget, named: str | None, old: list[str], new: list[str]
) -> tuple[str, str]:
    refusal: PatchError | None = None
    for path in [named] if named else target.order(sources):
        try:
            return path, replace_lines(sources[path], old, new, path)
        except PatchError as error:
            refusal = refusal or error
    raise refusal or PatchError("The answer names no file.")
