"""The fenced code blocks of an answer."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from activities.inference.edits.target import find_named_path

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})[ \t]*(.*?)\s*$")
_CODE = re.compile(r"^\s*(def |async def |class |@|from \S+ import |import )")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code, the words around its opening fence, and whether its fence was closed."""

    code: str
    info: str = ""
    before: str = ""
    closed: bool = True

    def path(self, known: Collection[str]) -> str | None:
        """Return the path of `known` that labels the block: in its fence, above it or in its first line."""
        first = self.code.lstrip().partition("\n")[0]
        labels = (self.info, self.before, first if first.startswith("#") else "")
        return next((path for label in labels if (path := find_named_path(label, known))), None)


def parse_blocks(answer: str) -> list[Block]:
    """Return the fenced blocks of `answer`; without any fence, its text from the first line that looks like code."""
    blocks: list[Block] = []
    lines, at, before = answer.split("\n"), 0, ""
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            before = lines[at].strip() or before
            at += 1
            continue
        end = next((i for i in range(at + 1, len(lines)) if _closes(lines[i], opening[1])), len(lines))
        blocks.append(Block("\n".join(lines[at + 1 : end]), opening[2], before, closed=end < len(lines)))
        at, before = end + 1, ""
    return blocks or _unfenced(lines)


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _unfenced(lines: list[str]) -> list[Block]:
    start = next((i for i, line in enumerate(lines) if _CODE.match(line)), None)
    return [] if start is None else [Block("\n".join(lines[start:]))]
