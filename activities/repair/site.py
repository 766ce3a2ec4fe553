"""Sites: the statements and expressions that a template may edit, and the edits it can make there."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from activities.localisation.regions import FunctionNode, Statement
from activities.localisation.source import Replacement, parse_expression
from activities.repair.scope import NamesInScope
from activities.repair.statement_edits import StatementEditor, get_editor
from activities.repair.value_types import ValueType


@dataclass(frozen=True)
class TemplateEdit:
    """An edit of the source, with the prior in 0..1 that an edit of its sort is the repair.

    The priors in the templates were set by hand, and are corrected by the learned factors of `families`.
    """

    replacements: tuple[Replacement, ...]
    prior: float


@dataclass(frozen=True, eq=False)
class Site:
    """A statement, or an expression in its header, with its context.

    `field` is the name of the parent's field that holds the node.
    """

    scope: NamesInScope
    statement: Statement
    node: ast.stmt | ast.expr
    parent: ast.AST
    field: str

    @cached_property
    def variables(self) -> list[str]:
        """The variables with a value here, nearest first.

        Templates take only the first few where they combine each with something: the nearest are the likeliest.
        """
        return self.scope.list_variables(self.statement, self.node)

    @cached_property
    def is_recursive_argument(self) -> bool:
        """Whether the node is an argument of a recursive call."""
        function = self.statement.function
        return isinstance(self.parent, ast.Call) and function is not None and get_callee(self.parent) == function.name

    @cached_property
    def is_condition(self) -> bool:
        """Whether the node is the condition of a statement, an expression or a comprehension."""
        return self.field in ("test", "ifs")

    @property
    def editor(self) -> StatementEditor:
        """The editor of the site's statement."""
        return get_editor(self.scope.source, self.statement)

    def text_of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return the text of a node as written."""
        return self.scope.source.text_of(node)

    def type_of(self, node: ast.expr | None) -> ValueType:
        """Return the inferred type of an expression."""
        return self.scope.types.type_of(node)

    def type_of_name(self, name: str) -> ValueType:
        """Return the inferred type of a variable."""
        return self.scope.types.type_of_name(name)

    # --- edits ----------------------------------------------------------------------------------

    def replace(self, text: str, prior: float, node: ast.expr | None = None) -> TemplateEdit:
        """Replace the site's node, or another, by an expression."""
        target = node if node is not None else self.node
        assert isinstance(target, ast.expr)
        return TemplateEdit((self.scope.source.replace(target, text),), prior)

    def swap(self, first: ast.expr, second: ast.expr, prior: float) -> TemplateEdit:
        """Swap two expressions."""
        source = self.scope.source
        return TemplateEdit(
            (source.replace(first, self.text_of(second)), source.replace(second, self.text_of(first))), prior
        )

    def replace_operator(
        self, left: ast.expr, right: ast.expr, pattern: str, text: str, prior: float
    ) -> Iterator[TemplateEdit]:
        """Replace the operator matched by `pattern` between two operands."""
        span = self.scope.source.find_between(left, right, pattern)
        if span is not None:
            yield TemplateEdit((Replacement(*span, text),), prior)

    def replace_statement(self, text: str, prior: float) -> TemplateEdit:
        """Replace the site's statement by a simple one."""
        return TemplateEdit((Replacement(*self.scope.source.span(self.statement.node), text),), prior)


Template = Callable[[Site], Iterator[TemplateEdit]]


# Nesting and characters of an expression: beyond them it is generated, and its edits would only take time.
_MAX_DEPTH = 50
_MAX_CHARACTERS = 1000


def list_sites(scope: NamesInScope, statement: Statement) -> Iterator[Site]:
    """Yield the sites of a statement and of the expressions in its header, in source order."""
    yield Site(scope, statement, statement.node, statement.parent, "body")
    if isinstance(statement.node, FunctionNode):
        for default in [*statement.node.args.defaults, *statement.node.args.kw_defaults]:
            if default is not None:
                yield from _list_expression_sites(scope, statement, default, statement.node.args, "defaults", 0)
    elif not isinstance(statement.node, ast.ClassDef):
        yield from _list_sites_below(scope, statement, statement.node, 0)


def _list_sites_below(scope: NamesInScope, statement: Statement, node: ast.AST, depth: int) -> Iterator[Site]:
    for slot, value in ast.iter_fields(node):
        if slot == "annotation":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.expr):
                yield from _list_expression_sites(scope, statement, child, node, slot, depth)
            elif isinstance(child, ast.comprehension | ast.keyword | ast.withitem):
                yield from _list_sites_below(scope, statement, child, depth)


def _list_expression_sites(
    scope: NamesInScope, statement: Statement, node: ast.expr, parent: ast.AST, slot: str, depth: int
) -> Iterator[Site]:
    start, end = scope.source.span(node)
    if end - start <= _MAX_CHARACTERS:
        yield Site(scope, statement, node, parent, slot)
    # Before Python 3.12 the parts of an f-string have wrong positions.
    if not isinstance(node, ast.JoinedStr) and depth < _MAX_DEPTH:
        yield from _list_sites_below(scope, statement, node, depth + 1)


def get_callee(call: ast.Call) -> str:
    """Return the name of the called function or method, empty for other expressions."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def negate(text: str) -> str:
    """Return the negation of a condition, by the opposite operator where there is one."""
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
