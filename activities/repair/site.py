"""Sites: the places where a template may change a region, and the edits it can make there."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from activities.localisation.regions import Statement
from activities.localisation.source import Replacement, parse_expression
from activities.repair.scope import NamesInScope
from activities.repair.value_types import ValueType


@dataclass(frozen=True)
class TemplateEdit:
    """A change of the source and how likely, in 0..1, a change of its sort is to be the repair."""

    splices: tuple[Replacement, ...]
    prior: float


@dataclass(frozen=True, eq=False)
class Site:
    """A statement, or an expression in its header, with all that a template needs to know.

    `slot` is the name of the parent's field in which the node stands.
    """

    scope: NamesInScope
    statement: Statement
    node: ast.stmt | ast.expr
    parent: ast.AST
    slot: str

    @cached_property
    def names(self) -> list[str]:
        """The variables with a value here, nearest first."""
        return self.scope.names(self.statement, self.node)

    @cached_property
    def recursive(self) -> bool:
        """Whether the node is an argument by which a function calls itself."""
        function = self.statement.function
        return isinstance(self.parent, ast.Call) and function is not None and callee(self.parent) == function.name

    @cached_property
    def is_condition(self) -> bool:
        """Whether the node decides where control goes."""
        return self.slot in ("test", "ifs")

    def text(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of a node as it is written."""
        return self.scope.source.text_of(node)

    def kind(self, node: ast.expr | None) -> ValueType:
        """The kind of value an expression has."""
        return self.scope.kinds.of(node)

    # --- edits ----------------------------------------------------------------------------------

    def replace(self, text: str, prior: float, node: ast.expr | None = None) -> TemplateEdit:
        """Put an expression in the place of the site's node, or of another."""
        place = node if node is not None else self.node
        assert isinstance(place, ast.expr)
        return TemplateEdit((self.scope.source.replace(place, text),), prior)

    def exchange(self, first: ast.expr, second: ast.expr, prior: float) -> TemplateEdit:
        """Exchange two expressions."""
        source = self.scope.source
        return TemplateEdit((source.replace(first, self.text(second)), source.replace(second, self.text(first))), prior)

    def operator(
        self, left: ast.expr, right: ast.expr, pattern: str, text: str, prior: float
    ) -> Iterator[TemplateEdit]:
        """Replace the operator that `pattern` finds between two operands."""
        span = self.scope.source.find_between(left, right, pattern)
        if span is not None:
            yield TemplateEdit((Replacement(*span, text),), prior)

    def rewrite(self, text: str, prior: float) -> TemplateEdit:
        """Put a simple statement in the place of the site's."""
        return TemplateEdit((Replacement(*self.scope.source.span(self.statement.node), text),), prior)


Template = Callable[[Site], Iterator[TemplateEdit]]


# No person writes deeper or longer expressions than these, and each takes time.
_DEEPEST = 50
_LONGEST = 1000


def list_sites(scope: NamesInScope, statement: Statement) -> Iterator[Site]:
    """A statement and the expressions of its header, in the order of the text."""
    yield Site(scope, statement, statement.node, statement.parent, "body")
    if isinstance(statement.node, ast.FunctionDef | ast.AsyncFunctionDef):
        for default in [*statement.node.args.defaults, *statement.node.args.kw_defaults]:
            if default is not None:
                yield from _expressions(scope, statement, default, statement.node.args, "defaults", 0)
    elif not isinstance(statement.node, ast.ClassDef):
        yield from _below(scope, statement, statement.node, 0)


def _below(scope: NamesInScope, statement: Statement, node: ast.AST, depth: int) -> Iterator[Site]:
    for slot, value in ast.iter_fields(node):
        if slot == "annotation":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.expr):
                yield from _expressions(scope, statement, child, node, slot, depth)
            elif isinstance(child, ast.comprehension | ast.keyword | ast.withitem):
                yield from _below(scope, statement, child, depth)


def _expressions(
    scope: NamesInScope, statement: Statement, node: ast.expr, parent: ast.AST, slot: str, depth: int
) -> Iterator[Site]:
    start, end = scope.source.span(node)
    if end - start <= _LONGEST:
        yield Site(scope, statement, node, parent, slot)
    # Before Python 3.12 the parts of an f-string have no true positions.
    if not isinstance(node, ast.JoinedStr) and depth < _DEEPEST:
        yield from _below(scope, statement, node, depth + 1)


def callee(call: ast.Call) -> str:
    """The name by which a call calls, without what stands before its last dot."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def negated(text: str) -> str:
    """The opposite of a condition, without `not` where an operator can say it."""
    whole = f"({text}\n)"
    match parse_expression(text):
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ast.get_source_segment(whole, operand) or f"not {text}"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = ast.get_source_segment(whole, left), ast.get_source_segment(whole, right)
            return f"{sides[0]} {OPPOSITES[type(op)]} {sides[1]}"
        case ast.BoolOp() | ast.IfExp() | ast.NamedExpr() | ast.Lambda():
            return f"not ({text})"
    return f"not {text}"


OPPOSITES: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Lt: ">=",
    ast.GtE: "<",
    ast.Gt: "<=",
    ast.LtE: ">",
}
