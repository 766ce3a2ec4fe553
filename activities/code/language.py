"""What HydraNet knows of a programming language, and the parts of a file that it speaks of.

Lines are 1-based and inclusive; they end at a line feed alone, as in tree-sitter and git.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

_QUOTED_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, class, method or module-level variable with its lines.

    `name` is qualified ("Cart.total"); `first` is the line of the first decorator, `start` that of
    `def` or `class`, `body` that of the body's first statement; `docstring` holds its two lines.
    """

    name: str
    kind: Literal["function", "class", "variable"]
    first: int
    start: int
    body: int
    last: int
    docstring: tuple[int, int] | None = None

    @property
    def own_name(self) -> str:
        """The name without what it is defined in."""
        return self.name.rpartition(".")[2]

    @property
    def owner(self) -> str:
        """The qualified name of the class it is defined in, empty at module level."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Import:
    """`name` of `module` is known as `alias` in the file.

    `module` keeps its leading dots; `name` is empty when the module itself is imported and "*" for
    all its names.
    """

    module: str
    name: str
    alias: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The first syntax error of a file; `column`, from 1, is 0 where it is not known."""

    line: int
    message: str
    column: int = 0

    @property
    def place(self) -> str:
        """The line, and the column where it is known."""
        return f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"


class Language(ABC):
    """The ways of a language, for excerpts and edits of its files.

    `name` is for people, `fence` for fenced blocks, and `comment` begins one that ends with its line. `has_templates`
    says that code can be repaired without a model.
    """

    name: str
    suffixes: tuple[str, ...]
    fence: str
    comment: str
    has_templates = False
    # Heads of definitions, as a line that begins one may start.
    head: re.Pattern[str] = re.compile(r"(?!)")

    @abstractmethod
    def list_definitions(self, source: str) -> list[Definition]:
        """List functions, classes, methods and module-level variables in the order of the file."""

    @abstractmethod
    def list_imports(self, source: str) -> list[Import]:
        """List the imports of a file."""

    @abstractmethod
    def list_identifiers(self, source: str, first: int, last: int) -> set[str]:
        """Return the names in the lines `first` to `last`."""

    @abstractmethod
    def list_statement_lines(self, source: str, first: int, last: int) -> list[int]:
        """Return the lines among `first` to `last` in which a statement, or a clause of one, begins."""

    @abstractmethod
    def list_statements(self, source: str) -> set[str]:
        """Return the statements at the level of the module that define and import nothing."""

    @abstractmethod
    def find_fault(self, source: str) -> Fault | None:
        """Return the first syntax error."""

    @abstractmethod
    def find_import_end(self, source: str) -> int:
        """Return the last line of the imports at the top of a file, 0 without any."""

    @abstractmethod
    def is_same_code(self, old: str, new: str) -> bool:
        """Return whether two sources differ only in comments and layout."""

    def find_test(self, source: str, test_id: str) -> Definition | None:
        """Return the test of an id, as `file::name` or `file::Class::name[parameters]`."""
        name = test_id.rpartition("::")[2].partition("[")[0]
        return next((item for item in self.list_definitions(source) if item.own_name == name), None)

    def find_new_fault(self, old: str, new: str) -> Fault | None:
        """Return the syntax error that `new` has and `old` has not."""
        fault = self.find_fault(new) if self.find_fault(old) is None else None
        if fault is None:
            return None
        before, after = old.split("\n"), new.split("\n")
        pairs = enumerate(zip(before, after, strict=False), start=1)
        line = next((number for number, (a, b) in pairs if a != b), min(len(before), len(after)))
        # The parser may only know where the construct begins that is not complete; what was not changed is right.
        return replace(fault, line=line, column=0) if fault.line < line else fault

    def read_answer(self, code: str) -> list[Definition]:
        """List what a piece of an answer defines; a method may stand there without its class."""
        return self.list_definitions(code)

    def is_torn(self, definition: Definition, lines: list[str]) -> bool:  # noqa: ARG002
        """Return whether a definition in an answer was cut off by a syntax error."""
        return False

    def keep_modifiers(self, old: str, new: str) -> str:  # noqa: ARG002
        """Return the first line of a new version with what the old one has around the definition."""
        return new

    def find_member_end(self, definition: Definition) -> int:
        """Return the line behind which a new method of a class goes."""
        return definition.last

    def find_import_line(self, needed: Import, code: str) -> str:
        """Return a line that imports what `needed` does as `code` does it; empty where that takes several."""
        line = code.split("\n")[needed.line - 1].rstrip()
        is_whole = line == line.lstrip() and line[-1:] not in ("(", "\\", ",")
        return line if is_whole else ""


def find_syntax_error(root: Node) -> Fault | None:
    """Return the place of the first node that tree-sitter could not read, or had to make up."""
    if not root.has_error:
        return None
    node = root
    while inner := next((child for child in node.children if child.has_error or child.is_missing), None):
        node = inner
    point = node.start_point
    if node.is_missing:
        return Fault(point.row + 1, f"`{node.type}` is missing", point.column + 1)
    quoted = read_text(node).split("\n")[0].strip()[:_QUOTED_CHARACTERS]
    return Fault(point.row + 1, f"unexpected `{quoted}`" if quoted else "invalid syntax", point.column + 1)


def parse(grammar: Grammar, source: str) -> Node:
    """Return the root of the syntax tree of a source."""
    return Parser(grammar).parse(source.encode("utf-8", "replace")).root_node


def walk(root: Node) -> Iterator[Node]:
    """Yield a node and all named nodes below it."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        yield node
        nodes += reversed(node.named_children)


def list_tokens(root: Node, left_out: frozenset[str], whole: frozenset[str]) -> list[str]:
    """Return the texts of the leaves of a tree without those of the types `left_out`; `whole` types count as leaves."""
    tokens: list[str] = []
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.type in left_out:
            continue
        if not node.children or node.type in whole:
            tokens.append(read_text(node))
        else:
            nodes += reversed(node.children)
    return tokens


def read_text(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def get_line(node: Node) -> int:
    """Return the line in which a node begins."""
    return node.start_point.row + 1


def get_last_line(node: Node) -> int:
    """Return the last line of a node: one that ends at the start of a line does not reach into it."""
    return node.end_point.row + (1 if node.end_point.column else 0)
