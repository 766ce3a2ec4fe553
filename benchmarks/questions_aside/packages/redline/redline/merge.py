"""Merges of two texts with their common base."""

from dataclasses import dataclass

from redline.changes import changes
from redline.regions import rebuild, regions


@dataclass(frozen=True)
class Merged:
    """A merged text, and how many conflicts it has."""

    text: str
    conflicts: int


def merge(base: str, ours: str, theirs: str) -> Merged:
    """Merge two texts; each conflict stands between `<<<<<<<`, `=======` and `>>>>>>>`, ours first."""
    lines = base.splitlines()
    result: list[str] = []
    conflicts = at = 0
    for region in regions(changes(lines, ours.splitlines()), changes(lines, theirs.splitlines())):
        result += lines[at : region.start]
        at = region.end
        own = rebuild(lines, region, region.ours)
        other = rebuild(lines, region, region.theirs)
        if not region.theirs or own == other:
            result += own
        elif not region.ours:
            result += other
        else:
            conflicts += 1
            result += ["<<<<<<<", *own, "=======", *other, ">>>>>>>"]
    result += lines[at:]
    return Merged("".join(line + "\n" for line in result), conflicts)
