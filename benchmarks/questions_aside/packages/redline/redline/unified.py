"""Unified diffs."""

from redline.changes import changes
from redline.hunks import group, header, make_hunk


def diff(old: str, new: str, context: int = 3) -> str:
    """Return the unified diff of two texts without the names of files, empty where they are the same."""
    lines = old.splitlines()
    rows: list[str] = []
    for own in group(changes(lines, new.splitlines()), context):
        hunk = make_hunk(lines, own, context)
        rows += [header(hunk), *hunk.lines]
    return "".join(row + "\n" for row in rows)


def summary(old: str, new: str) -> str:
    """Return how many lines were added and removed, as `+3 -1`."""
    all_changes = changes(old.splitlines(), new.splitlines())
    added = sum(len(change.lines) for change in all_changes)
    removed = sum(change.end - change.start for change in all_changes)
    return f"+{added} -{removed}"
