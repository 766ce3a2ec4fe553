"""Lines made into blocks."""

import re

from quill.blocks import Code, Heading, Item, Listing, Paragraph, Quote

_HEADING = re.compile(r"(#{1,6}) +(.*?) *#*$")
_ITEM = re.compile(r"( *)([-*]|\d+\.) +(.*)")
FENCE = "```"


class Reader:
    """Reads the blocks of a text from its first line to its last."""

    def __init__(self, lines):
        self._lines = lines
        self._at = 0

    def blocks(self):
        found = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
            elif line.startswith(FENCE):
                found.append(self._code())
            elif heading := _HEADING.match(line):
                found.append(Heading(len(heading[1]), heading[2]))
                self._at += 1
            elif line.startswith(">"):
                found.append(self._quote())
            elif _ITEM.match(line):
                found.append(self._listing(0))
            else:
                found.append(self._paragraph())
        return found

    def _code(self):
        language = self._lines[self._at][len(FENCE) :].strip()
        self._at += 1
        inside = []
        while self._at < len(self._lines) and not self._lines[self._at].startswith(FENCE):
            inside.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        return Code(language, "\n".join(inside))

    def _quote(self):
        inside = []
        while self._at < len(self._lines) and self._lines[self._at].startswith(">"):
            inside.append(self._lines[self._at][1:].removeprefix(" "))
            self._at += 1
        return Quote(Reader(inside).blocks())

    def _listing(self, indent):
        """A list whose items are indented by `indent`; deeper ones belong to the item before."""
        first = _ITEM.match(self._lines[self._at])
        listing = Listing(first[2][0].isdigit())
        while self._at < len(self._lines):
            item = _ITEM.match(self._lines[self._at])
            if item is None or len(item[1]) < indent:
                break
            if len(item[1]) > indent:
                listing.items[-1].children.append(self._listing(len(item[1])))
                continue
            if item[2][0].isdigit() != listing.ordered:
                break
            listing.items.append(Item(item[3]))
            self._at += 1
        return listing

    def _paragraph(self):
        inside = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip() or line.startswith((FENCE, ">")) or _HEADING.match(line):
                break
            inside.append(line.strip())
            self._at += 1
        return Paragraph(" ".join(inside))


def read(text):
    return Reader(text.splitlines()).blocks()
