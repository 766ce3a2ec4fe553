"""Regions: the functions, class bodies and module levels of a source, and the statements in them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from activities.localisation.source import Source

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
LoopNode = ast.For | ast.AsyncFor | ast.While
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

MODULE_LEVEL = "<module>"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement, the block it stands in, and the innermost function and loop around it."""

    node: ast.stmt
    block: list[ast.stmt]
    parent: ast.AST
    function: FunctionNode | None
    loop: LoopNode | None

    @property
    def first_line(self) -> int:
        """The line on which the statement, with its decorators, begins."""
        return first_line(self.node)

    @property
    def last_line(self) -> int:
        """The line on which the statement, with its blocks, ends."""
        return self.node.end_lineno or self.node.lineno

    @property
    def header_end(self) -> int:
        """The last line before the statement's own block, or its last line when it has none."""
        body = getattr(self.node, "body", None)
        if not isinstance(body, list) or not body:
            return self.last_line
        return max(self.first_line, first_line(body[0]) - 1)

    @cached_property
    def index(self) -> int:
        """The statement's place in its block."""
        return next(index for index, node in enumerate(self.block) if node is self.node)


@dataclass(frozen=True, eq=False)
class Region:
    """A function or method with all that is nested in it, or what a class or module runs itself.

    `node` is the definition, None at module level; `symbol` its qualified name.
    """

    source: Source
    symbol: str
    node: Definition | None
    statements: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """The last part of the symbol."""
        return self.symbol.rpartition(".")[2]

    @property
    def label(self) -> str:
        """The region as a title names it."""
        called = f"{self.symbol}()" if isinstance(self.node, _FUNCTIONS) else self.symbol
        if self.node is None:
            called = "module level"
        return f"{called} ({self.source.path})"

    @property
    def function(self) -> FunctionNode | None:
        """The function that the region is, if it is one."""
        return self.node if isinstance(self.node, _FUNCTIONS) else None


def list_regions(source: Source) -> list[Region]:
    """All regions of a source that hold a statement, in the order of the text."""
    return list(_regions(source, source.tree, ()))


def _regions(source: Source, owner: ast.Module | ast.ClassDef, names: tuple[str, ...]) -> Iterator[Region]:
    own = tuple(
        Statement(node, block, parent, None, loop)
        for node, block, parent, loop in _level(owner)
        if not isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom)) and not is_docstring(node)
    )
    if own:
        yield Region(source, ".".join(names) or MODULE_LEVEL, None if not names else _definition(owner), own)
    for node, block, parent, loop in _level(owner):
        symbol = (*names, getattr(node, "name", ""))
        match node:
            case ast.ClassDef():
                yield from _regions(source, node, symbol)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                head = Statement(node, block, parent, node, loop)
                body = tuple(_statements(node.body, node, node, None))
                yield Region(source, ".".join(symbol), node, (head, *body))


def _definition(owner: ast.Module | ast.ClassDef) -> Definition | None:
    return owner if isinstance(owner, ast.ClassDef) else None


Placed = tuple[ast.stmt, list[ast.stmt], ast.AST, LoopNode | None]


def _level(owner: ast.AST, loop: LoopNode | None = None) -> Iterator[Placed]:
    """The statements a module or class runs itself, also those under `if`, `try`, `with` and loops."""
    for block, parent in list_blocks(owner):
        for node in block:
            yield node, block, parent, loop
            if not isinstance(node, _DEFINITIONS):
                yield from _level(node, node if isinstance(node, _LOOPS) else loop)


def _statements(
    block: list[ast.stmt], parent: ast.AST, function: FunctionNode, loop: LoopNode | None
) -> Iterator[Statement]:
    for node in block:
        if is_docstring(node):
            continue
        yield Statement(node, block, parent, function, loop)
        inner = node if isinstance(node, _FUNCTIONS) else function
        for nested, owner in list_blocks(node):
            around = node if isinstance(node, _LOOPS) and nested is node.body else loop
            yield from _statements(nested, owner, inner, None if isinstance(node, _DEFINITIONS) else around)


def list_blocks(node: ast.AST) -> Iterator[tuple[list[ast.stmt], ast.AST]]:
    """The blocks directly below a node, each with the node that holds it (an `except` holds its own)."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        value = getattr(node, name, None)
        if not isinstance(value, list) or not value:
            continue
        if name in ("handlers", "cases"):
            for part in value:
                yield part.body, part
        else:
            yield value, node


def first_line(node: ast.stmt) -> int:
    """The line on which a statement, with its decorators, begins."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is only a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
