"""A source file as text and syntax tree, changed by splicing its text so that all else stays as written."""

import ast
import bisect
import re
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

MAX_CHARACTERS = 400_000
"""Larger files are left alone: they are data or generated, and every step would be slow."""

# The filters of `warnings` belong to the process; two threads changing them at once would lose them.
_filters = threading.Lock()

# How tightly the syntax of Python's expressions binds, loosest first.
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
class Splice:
    """Replaces the characters from `start` to `end` (exclusive) by `text`."""

    start: int
    end: int
    text: str


def parse_source(text: str) -> ast.Module | None:
    """The syntax tree of a file, or None when it is not valid Python, whatever is wrong with it."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def compiles(tree: ast.Module) -> bool:
    """Whether a parsed tree is also a valid program (no `break` outside a loop and the like)."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(tree, "<candidate>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> ast.expr | None:
    """The expression that `text` is, or None."""
    tree = parse_source(f"({text}\n)")
    match tree:
        case ast.Module(body=[ast.Expr(value=value)]):
            return value
    return None


class Source:
    """One file: its text, its tree and where each node of the tree stands in the text."""

    def __init__(self, path: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.text = text
        self.tree = tree
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    @classmethod
    def of(cls, path: str, text: str | None) -> "Source | None":
        """The source at `path`, or None when there is no text, too much of it, or it does not parse."""
        if text is None or len(text) > MAX_CHARACTERS:
            return None
        tree = parse_source(text)
        return None if tree is None else cls(path, text, tree)

    def parent(self, node: ast.AST) -> ast.AST:
        """The node that contains `node`; the module contains itself."""
        return self._parents.get(node, self.tree)

    def span(self, node: ast.expr | ast.stmt | ast.excepthandler | ast.keyword) -> tuple[int, int]:
        """The first character of `node` and the one after its last."""
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def of_node(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of `node` as it is written."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_of(self, offset: int) -> int:
        """The number of the line (1-based) that holds the character at `offset`."""
        return bisect.bisect_right(self._starts, offset)

    def lines_span(self, first: int, last: int) -> tuple[int, int]:
        """The characters of the lines `first` to `last` (1-based, inclusive) with their line ends."""
        end = self._starts[last] if last < len(self._starts) else len(self.text)
        return self._starts[first - 1], end

    def replace(self, node: ast.expr, text: str) -> Splice:
        """Put the expression `text` in the place of `node`, in parentheses where its place needs them."""
        start, end = self.span(node)
        if isinstance(node, ast.GeneratorExp):
            return Splice(start, end, f"({text})")  # its span may be the parentheses of a call
        parent = self.parent(node)
        if _binding(text) < _needed(parent, node) and not self._is_enclosed(parent, start, end):
            text = f"({text})"
        return Splice(start, end, text)

    def between(self, left: ast.expr, right: ast.expr, pattern: str) -> tuple[int, int] | None:
        """Where `pattern` first matches between two nodes, such as the operator between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        found = re.compile(pattern).search(self.text, start, end)
        return found.span() if found else None

    def apply(self, splices: Iterable[Splice]) -> str:
        """The text after `splices`, which may not overlap."""
        text = self.text
        for splice in sorted(splices, key=lambda splice: (splice.start, splice.end), reverse=True):
            text = text[: splice.start] + splice.text + text[splice.end :]
        return text

    def _is_enclosed(self, parent: ast.AST, start: int, end: int) -> bool:
        """Whether an operand stands in parentheses of its own already."""
        operation = isinstance(parent, ast.BinOp | ast.BoolOp | ast.Compare | ast.UnaryOp | ast.IfExp)
        return operation and self.text[start - 1 : start] == "(" and self.text[end : end + 1] == ")"

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        head = self.text[start : start + column]
        if head.isascii():
            return start + column
        first, last = self.lines_span(line, line)
        return start + len(self.text[first:last].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))


def _binding(text: str) -> int:
    """How tightly the outermost syntax of the expression `text` binds."""
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


def _needed(parent: ast.AST, node: ast.expr) -> int:
    """How tightly an expression must bind to stand in `node`'s place without parentheses."""
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
