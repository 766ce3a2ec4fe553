"""What has to be changed to make one text of another."""

from collections.abc import Sequence
from dataclasses import dataclass

from redline.match import pairs


@dataclass(frozen=True)
class Change:
    """Lines `start` to `end` of the old text, from 0, `end` excluded, become lines of the new one."""

    start: int
    end: int
    new_start: int
    lines: tuple[str, ...]

    @property
    def new_end(self) -> int:
        """The end of the lines in the new text."""
        return self.new_start + len(self.lines)


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Return the changes between two texts, in order."""
    result = []
    at = new_at = 0
    for one, two in [*pairs(old, new), (len(old), len(new))]:
        if one > at or two > new_at:
            result.append(Change(at, one, new_at, tuple(new[new_at:two])))
        at, new_at = one + 1, two + 1
    return result
