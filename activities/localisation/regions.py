"""Regions: the functions, class bodies and module levels of a source, and the statements in them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from activities.localisation.source import Source
from hydranet.strategy import MODULE_LEVEL

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
LoopNode = ast.For | ast.AsyncFor | ast.While
DefinitionNode = FunctionNode | ast.ClassDef

EXITS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
"""Statements after which control leaves the block."""


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement with its block and its innermost enclosing function and loop."""

    node: ast.stmt
    block: list[ast.stmt]
    parent: ast.AST
    function: FunctionNode | None
    loop: LoopNode | None

    @property
    def first_line(self) -> int:
        """The first line of the statement or of its decorators."""
        return get_first_line(self.node)

    @property
    def last_line(self) -> int:
        """The last line of the statement with its blocks."""
        return self.node.end_lineno or self.node.lineno

    @property
    def header_end(self) -> int:
        """The last line of a compound statement's header, or of a simple statement."""
        body = getattr(self.node, "body", None)
        if not isinstance(body, list) or not body:
            return self.last_line
        return max(self.first_line, get_first_line(body[0]) - 1)

    @cached_property
    def index(self) -> int:
        """The position of the statement in its block."""
        return next(index for index, node in enumerate(self.block) if node is self.node)

    @property
    def is_last(self) -> bool:
        """Whether the statement is the last of its block."""
        return self.block[-1] is self.node

    @property
    def is_elif(self) -> bool:
        """Whether the statement is the `elif` of its parent, which the syntax tree holds as an only `if` in `else`."""
        parent = self.parent
        return isinstance(parent, ast.If) and isinstance(self.node, ast.If) and parent.orelse == [self.node]


@dataclass(frozen=True, eq=False)
class Region:
    """A unit of localisation: a function with everything nested in it, a class body or the module level.

    `node` is the definition (None at module level), `symbol` its qualified name.
    """

    source: Source
    symbol: str
    node: DefinitionNode | None
    statements: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """The symbol without its qualifiers."""
        return self.symbol.rpartition(".")[2]

    @property
    def label(self) -> str:
        """The region as shown in titles, with its file."""
        title = f"{self.symbol}()" if isinstance(self.node, FunctionNode) else self.symbol
        if self.node is None:
            title = "module level"
        return f"{title} ({self.source.path})"

    @property
    def function(self) -> FunctionNode | None:
        """The definition when it is a function, else None."""
        return self.node if isinstance(self.node, FunctionNode) else None


def list_regions(source: Source) -> list[Region]:
    """Return the regions of a source that contain a statement, in source order."""
    return list(_find_regions(source, source.tree, ()))


def _find_regions(source: Source, owner: ast.Module | ast.ClassDef, names: tuple[str, ...]) -> Iterator[Region]:
    statements = tuple(
        Statement(node, block, parent, None, loop)
        for node, block, parent, loop in _walk_level(owner)
        if not isinstance(node, DefinitionNode | ast.Import | ast.ImportFrom) and not is_docstring(node)
    )
    if statements:
        definition = owner if isinstance(owner, ast.ClassDef) else None
        yield Region(source, ".".join(names) or MODULE_LEVEL, definition, statements)
    for node, block, parent, loop in _walk_level(owner):
        symbol = (*names, getattr(node, "name", ""))
        match node:
            case ast.ClassDef():
                yield from _find_regions(source, node, symbol)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                head = Statement(node, block, parent, node, loop)
                body = tuple(_walk_function(node.body, node, node, None))
                yield Region(source, ".".join(symbol), node, (head, *body))


_Placed = tuple[ast.stmt, list[ast.stmt], ast.AST, LoopNode | None]


def _walk_level(owner: ast.AST, loop: LoopNode | None = None) -> Iterator[_Placed]:
    for block, parent in list_blocks(owner):
        for node in block:
            yield node, block, parent, loop
            if not isinstance(node, DefinitionNode):
                yield from _walk_level(node, node if isinstance(node, LoopNode) else loop)


def _walk_function(
    block: list[ast.stmt], parent: ast.AST, function: FunctionNode, loop: LoopNode | None
) -> Iterator[Statement]:
    for node in block:
        if is_docstring(node):
            continue
        yield Statement(node, block, parent, function, loop)
        inner = node if isinstance(node, FunctionNode) else function
        for nested, owner in list_blocks(node):
            # The `else` of a loop lies outside it: a `break` there ends the next loop out.
            around = node if isinstance(node, LoopNode) and nested is node.body else loop
            yield from _walk_function(nested, owner, inner, None if isinstance(node, DefinitionNode) else around)


def list_blocks(node: ast.AST) -> Iterator[tuple[list[ast.stmt], ast.AST]]:
    """Yield the blocks directly below a node, each with its parent: the node, an `except` or a `case`."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        value = getattr(node, name, None)
        if not isinstance(value, list) or not value:
            continue
        if name in ("handlers", "cases"):
            for part in value:
                yield part.body, part
        else:
            yield value, node


def get_first_line(node: ast.stmt) -> int:
    """Return the first line of a statement or of its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def is_docstring(node: ast.stmt) -> bool:
    """Return whether a statement is only a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
