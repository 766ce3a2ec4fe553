"""Statement edits: insertion, removal, wrapping and moving of whole lines with their indentation."""

import ast
import re
from functools import lru_cache

from activities.localisation.regions import Statement
from activities.localisation.source import Replacement, Source, split_lines

_INDENT = "    "


class StatementEditor:
    """An editor of one statement's lines; `has_own_lines` is False when they contain other code too."""

    def __init__(self, source: Source, statement: Statement) -> None:
        self._source = source
        self._node = statement.node
        self._is_only = len(statement.block) == 1
        self._start, self._end = source.span_of_lines(statement.first_line, statement.last_line)
        start, end = source.span(statement.node)
        # Decorators stand before the span of a definition, but are its own lines.
        head, tail = source.text[self._start : start], source.text[end : self._end]
        decorated = bool(getattr(statement.node, "decorator_list", []))
        self.has_own_lines = (decorated or not head.strip()) and re.fullmatch(r"[ \t]*(#.*)?[\r\n]*", tail) is not None
        written = source.text[self._start : self._end]
        self.indent = written[: len(written) - len(written.lstrip(" \t"))]
        self._indent_step = "\t" if self.indent.startswith("\t") else _INDENT

    @property
    def can_reindent(self) -> bool:
        """Whether another indentation leaves the statement's meaning: it has no string of several lines."""
        return self.has_own_lines and not any(
            isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno
            for node in ast.walk(self._node)
        )

    def indent_lines(self, indent: str) -> list[str]:
        """Return the statement's lines, without line ends, indented by `indent`."""
        written = split_lines(self._source.text[self._start : self._end])
        return [indent + line.removeprefix(self.indent) if line.strip() else "" for line in written]

    def get_inner_indent(self) -> str:
        """Return the indentation one level deeper."""
        return self.indent + self._indent_step

    def insert_before(self, *lines: str) -> Replacement:
        """Insert lines before the statement with its indentation; a leading tab is one level more."""
        return Replacement(self._start, self._start, self._join(self._indent(lines)))

    def insert_after(self, *lines: str) -> Replacement:
        """Insert lines after the statement with its indentation; a leading tab is one level more."""
        return self.insert_lines_after([*self._indent(lines)])

    def insert_lines_after(self, lines: list[str]) -> Replacement:
        """Insert already indented lines after the statement."""
        text = self._join(lines)
        if not self._source.text[: self._end].endswith(("\n", "\r")):
            text = self._source.newline + text
        return Replacement(self._end, self._end, text)

    def insert_lines_before(self, lines: list[str]) -> Replacement:
        """Insert already indented lines before the statement."""
        return Replacement(self._start, self._start, self._join(lines))

    def remove(self) -> Replacement:
        """Remove the statement, leaving `pass` where its block would be empty."""
        return Replacement(self._start, self._end, self._join([f"{self.indent}pass"]) if self._is_only else "")

    def wrap_in(self, header: str) -> Replacement:
        """Indent the statement under a header such as `if x:`."""
        lines = [self.indent + header, *self.indent_lines(self.get_inner_indent())]
        return Replacement(self._start, self._end, self._join(lines))

    def replace_with(self, lines: list[str]) -> Replacement:
        """Replace the statement by already indented lines."""
        return Replacement(self._start, self._end, self._join(lines))

    def _indent(self, lines: tuple[str, ...]) -> list[str]:
        return [self.indent + line.replace("\t", self._indent_step) for line in lines]

    def _join(self, lines: list[str]) -> str:
        return "".join(line + self._source.newline for line in lines)


@lru_cache(maxsize=1024)
def get_editor(source: Source, statement: Statement) -> StatementEditor:
    """Return the editor of a statement, cached because many templates ask for it."""
    return StatementEditor(source, statement)
