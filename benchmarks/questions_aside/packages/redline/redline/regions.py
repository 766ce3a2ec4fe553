"""Parts of a base that both sides of a merge have changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from redline.changes import Change


@dataclass
class Region:
    """Lines of the base, from 0, `end` excluded, with the changes of both sides in them."""

    start: int
    end: int
    ours: list[Change] = field(default_factory=list)
    theirs: list[Change] = field(default_factory=list)

    def reaches(self, change: Change) -> bool:
        """Return whether a later change overlaps the region or inserts where it begins."""
        return change.start < self.end or change.start == self.start


def regions(ours: Sequence[Change], theirs: Sequence[Change]) -> list[Region]:
    """Return the regions of the changes of both sides, in order; changes that overlap share one."""
    both = [(change, True) for change in ours] + [(change, False) for change in theirs]
    result: list[Region] = []
    for change, is_ours in sorted(both, key=lambda one: (one[0].start, one[0].end, not one[1])):
        if not (result and result[-1].reaches(change)):
            result.append(Region(change.start, change.end))
        region = result[-1]
        region.end = max(region.end, change.end)
        (region.ours if is_ours else region.theirs).append(change)
    return result


def rebuild(base: Sequence[str], region: Region, changes: Sequence[Change]) -> list[str]:
    """Return the lines of a region as a side has them that made some changes in it, unchanged lines included."""
    lines: list[str] = []
    at = region.start
    for change in changes:
        lines += [*base[at : change.start], *change.lines]
        at = change.end
    return [*lines, *base[at : region.end]]
