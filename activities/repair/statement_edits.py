"""Layout: whole statements inserted, removed, wrapped and moved, with their lines and indentation."""

import ast
import re
from functools import lru_cache

from activities.localisation.regions import Statement
from activities.localisation.source import Replacement, Source

_STEP = "    "


class Layout:
    """How a statement is laid out; `alone` is False when it shares its lines with other code."""

    def __init__(self, source: Source, statement: Statement) -> None:
        self._source = source
        self._node = statement.node
        self._sole = len(statement.block) == 1
        self._start, self._end = source.span_of_lines(statement.first_line, statement.last_line)
        start, end = source.span(statement.node)
        head, tail = source.text[self._start : start], source.text[end : self._end]
        decorated = bool(getattr(statement.node, "decorator_list", []))
        self.alone = (decorated or not head.strip()) and re.fullmatch(r"[ \t]*(#.*)?[\r\n]*", tail) is not None
        written = source.text[self._start : self._end]
        self.indent = written[: len(written) - len(written.lstrip(" \t"))]
        self._step = "\t" if self.indent.startswith("\t") else _STEP

    @property
    def movable(self) -> bool:
        """Whether the statement may be written with another indentation."""
        return self.alone and not any(
            isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno
            for node in ast.walk(self._node)
        )

    def lines(self, indent: str) -> list[str]:
        """The statement's lines without line ends, as they stand behind `indent`."""
        written = self._source.text[self._start : self._end].splitlines()
        return [indent + line.removeprefix(self.indent) if line.strip() else "" for line in written]

    def deeper(self) -> str:
        """One step further in."""
        return self.indent + self._step

    def before(self, *lines: str) -> Replacement:
        """Insert lines, indented like the statement, before it; a tab at their beginning is one step."""
        return Replacement(self._start, self._start, self._joined(self._shaped(lines)))

    def after(self, *lines: str) -> Replacement:
        """Insert lines, indented like the statement, after it."""
        return self.insert_after([*self._shaped(lines)])

    def insert_after(self, lines: list[str]) -> Replacement:
        """Insert lines as they are after the statement."""
        text = self._joined(lines)
        if not self._source.text[: self._end].endswith(("\n", "\r")):
            text = self._source.newline + text
        return Replacement(self._end, self._end, text)

    def insert_before(self, lines: list[str]) -> Replacement:
        """Insert lines as they are before the statement."""
        return Replacement(self._start, self._start, self._joined(lines))

    def remove(self) -> Replacement:
        """Take the statement away, leaving `pass` where its block would be empty."""
        return Replacement(self._start, self._end, self._joined([f"{self.indent}pass"]) if self._sole else "")

    def under(self, header: str) -> Replacement:
        """Put the statement under a header such as `if x:`."""
        lines = [self.indent + header, *self.lines(self.deeper())]
        return Replacement(self._start, self._end, self._joined(lines))

    def become(self, lines: list[str]) -> Replacement:
        """Put other lines, as they are, in the place of the statement's."""
        return Replacement(self._start, self._end, self._joined(lines))

    def _shaped(self, lines: tuple[str, ...]) -> list[str]:
        return [self.indent + line.replace("\t", self._step) for line in lines]

    def _joined(self, lines: list[str]) -> str:
        return "".join(line + self._source.newline for line in lines)


@lru_cache(maxsize=1024)
def find_layout(source: Source, statement: Statement) -> Layout:
    """The layout of a statement."""
    return Layout(source, statement)
