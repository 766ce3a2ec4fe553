"""A Python source file: its text, its syntax tree, and edits of the text that leave the rest as written."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from activities.code.python_source import ignore_warnings, parse_source

MAX_CHARACTERS = 400_000
"""Characters of a source file; larger ones are skipped as generated code or data."""


# Operator precedence in Python's grammar, loosest first; the binary operators lie between `_BITS` and `_UNARY`.
_NAMED, _TUPLE, _TERNARY, _OR, _AND, _NOT, _COMPARE, _BITS = range(8)
_UNARY, _POWER, _NUMBER, _ATOM = range(20, 24)
_BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: _BITS,
    ast.BitXor: 8,
    ast.BitAnd: 9,
    ast.LShift: 10,
    ast.RShift: 10,
    ast.Add: 11,
    ast.Sub: 11,
    ast.Pow: _POWER,
}
_TERM = 12


@dataclass(frozen=True)
class Replacement:
    """A replacement of the characters from `start` to `end` (exclusive) by `text`."""

    start: int
    end: int
    text: str


def split_lines(text: str) -> list[str]:
    """Return the lines as Python counts them, without their ends: a form feed ends none."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines[:-1] if lines[-1] == "" else lines


def can_compile(tree: ast.Module) -> bool:
    """Return whether a parsed tree also compiles; a `break` outside a loop, for instance, does not."""
    with ignore_warnings():
        try:
            compile(tree, "<candidate>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> ast.expr | None:
    """Return the expression written as `text`, or None."""
    tree = parse_source(f"({text}\n)")
    match tree:
        case ast.Module(body=[ast.Expr(value=value)]):
            return value
    return None


def collect_identifiers(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names of the variables and attributes among the nodes."""
    identifiers: set[str] = set()
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                identifiers.add(name)
    return identifiers


class Source:
    """A parsed file, with the position of every node in its text."""

    def __init__(self, path: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.text = text
        self.tree = tree
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    @classmethod
    def parse(cls, path: str, text: str | None) -> "Source | None":
        """Return the source at `path`, or None when its text is absent, too long or not valid Python."""
        if text is None or len(text) > MAX_CHARACTERS:
            return None
        tree = parse_source(text)
        return None if tree is None else cls(path, text, tree)

    def parent(self, node: ast.AST) -> ast.AST:
        """Return the node that contains `node`; the module contains itself."""
        return self._parents.get(node, self.tree)

    def span(self, node: ast.expr | ast.stmt | ast.excepthandler | ast.keyword) -> tuple[int, int]:
        """Return the offsets of the first character of `node` and of the one after its last."""
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def text_of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return the text of `node` as written."""
        start, end = self.span(node)
        return self.text[start:end]

    def span_of_lines(self, first: int, last: int) -> tuple[int, int]:
        """Return the offsets of the lines `first` to `last` (1-based, inclusive) with their line ends."""
        end = self._starts[last] if last < len(self._starts) else len(self.text)
        return self._starts[first - 1], end

    def replace(self, node: ast.expr, text: str) -> Replacement:
        """Replace `node` by the expression `text`, in parentheses where precedence requires them."""
        start, end = self.span(node)
        if isinstance(node, ast.GeneratorExp):
            # In `f(x for x in y)` its span includes the parentheses of the call.
            return Replacement(start, end, f"({text})")
        parent = self.parent(node)
        is_looser = _get_precedence(text) < _get_required_precedence(parent, node)
        if is_looser and not self._is_parenthesised(parent, start, end):
            text = f"({text})"
        return Replacement(start, end, text)

    def find_between(self, left: ast.expr, right: ast.expr, pattern: str) -> tuple[int, int] | None:
        """Return the offsets of the first match of `pattern` between two nodes, such as an operator."""
        start, end = self.span(left)[1], self.span(right)[0]
        match = re.compile(pattern).search(self.text, start, end)
        return match.span() if match else None

    def apply(self, replacements: Iterable[Replacement]) -> str:
        """Return the text after the replacements, which must not overlap."""
        text = self.text
        for edit in sorted(replacements, key=lambda edit: (edit.start, edit.end), reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def _is_parenthesised(self, parent: ast.AST, start: int, end: int) -> bool:
        operation = isinstance(parent, ast.BinOp | ast.BoolOp | ast.Compare | ast.UnaryOp | ast.IfExp)
        return operation and self.text[start - 1 : start] == "(" and self.text[end : end + 1] == ")"

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        head = self.text[start : start + column]
        if head.isascii():
            return start + column
        # Columns of the syntax tree count bytes of UTF-8.
        first, last = self.span_of_lines(line, line)
        return start + len(self.text[first:last].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))


def _get_precedence(text: str) -> int:
    match parse_expression(text):
        case ast.NamedExpr() | ast.Yield() | ast.YieldFrom():
            return _NAMED
        case ast.Tuple() if not text.startswith("("):
            return _TUPLE
        case ast.IfExp() | ast.Lambda() | ast.Starred():
            return _TERNARY
        case ast.BoolOp(op=ast.Or()):
            return _OR
        case ast.BoolOp():
            return _AND
        case ast.UnaryOp(op=ast.Not()):
            return _NOT
        case ast.Compare():
            return _COMPARE
        case ast.BinOp(op=op):
            return _BINARY.get(type(op), _TERM)
        case ast.UnaryOp() | ast.Await():
            return _UNARY
        case ast.Constant(value=int() | float() | complex()):
            return _NUMBER
    return _ATOM


def _get_required_precedence(parent: ast.AST, node: ast.expr) -> int:
    match parent:
        case ast.Attribute() | ast.Await():
            return _ATOM
        case ast.Subscript(value=value) | ast.Call(func=value) if value is node:
            return _ATOM
        case ast.BinOp(left=left, op=op):
            level = _BINARY.get(type(op), _TERM)
            return level + ((left is node) == isinstance(op, ast.Pow))
        case ast.UnaryOp(op=ast.Not()):
            return _NOT
        case ast.UnaryOp():
            return _UNARY
        case ast.BoolOp(op=ast.Or()):
            return _OR + 1
        case ast.BoolOp():
            return _AND + 1
        case ast.Compare():
            return _COMPARE + 1
        case ast.IfExp(orelse=orelse) if orelse is not node:
            return _OR
        case ast.Starred():
            return _BITS
        case ast.comprehension():
            return _OR
        case ast.Return() | ast.Assign() | ast.Subscript() | ast.For():
            return _TUPLE
    return _TERNARY
