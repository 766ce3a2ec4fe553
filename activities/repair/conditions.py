"""Templates for conditions: an operator, the negation or a part of the condition is wrong."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from activities.repair.site import OPPOSITES, Site, TemplateEdit, negate
from activities.repair.value_types import COLLECTIONS, ValueType

SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

_OPERATOR = r"not\s+in\b|is\s+not\b|<=|>=|==|!=|<|>|\bin\b|\bis\b"

# The operators that may have been meant instead of each, with their priors in 0..1.
_ALTERNATIVES: dict[str, tuple[tuple[str, float], ...]] = {
    "<": (("<=", 1.0), (">", 0.6), (">=", 0.6), ("!=", 0.4), ("==", 0.2)),
    "<=": (("<", 1.0), (">=", 0.6), (">", 0.6), ("==", 0.3), ("!=", 0.2)),
    ">": ((">=", 1.0), ("<", 0.6), ("<=", 0.6), ("!=", 0.4), ("==", 0.2)),
    ">=": ((">", 1.0), ("<=", 0.6), ("<", 0.6), ("==", 0.3), ("!=", 0.2)),
    "==": (("!=", 0.8), ("<=", 0.6), (">=", 0.5), ("<", 0.4), (">", 0.4), ("is", 0.1), ("in", 0.2)),
    "!=": (("==", 0.8), ("<", 0.5), (">", 0.5), ("<=", 0.2), (">=", 0.2), ("is not", 0.1), ("not in", 0.2)),
    "is": (("is not", 0.8), ("==", 0.5)),
    "is not": (("is", 0.8), ("!=", 0.5)),
    "in": (("not in", 0.8), ("==", 0.2)),
    "not in": (("in", 0.8), ("!=", 0.2)),
}


def comparison_operator(site: Site) -> Iterator[TemplateEdit]:
    """Replace a comparison operator."""
    match site.node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for (first, second), op in zip(pairwise([left, *comparators]), ops, strict=True):
                for symbol, prior in _ALTERNATIVES[SYMBOLS[type(op)]]:
                    if symbol in ("in", "not in") and site.type_of(second) not in COLLECTIONS:
                        continue
                    yield from site.replace_operator(first, second, _OPERATOR, symbol, prior)


def shifted_comparison(site: Site) -> Iterator[TemplateEdit]:
    """Replace a comparison operator and shift its constant by one, as in `n == 0` for `n <= 1`."""
    match site.node:
        case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=int(number)) as right]):
            if isinstance(right.value, bool) or SYMBOLS[type(op)] not in ("<", "<=", ">", ">=", "==", "!="):
                return
            for symbol in ("<", "<=", ">", ">=", "==", "!="):
                for other in (number - 1, number + 1):
                    if symbol != SYMBOLS[type(op)]:
                        prior = 0.5 if symbol in ("<=", ">", "<", ">=") else 0.3
                        yield site.replace(f"{site.text_of(left)} {symbol} {other}", prior)


def negation(site: Site) -> Iterator[TemplateEdit]:
    """Negate a condition or one of its operands."""
    match site.node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield site.replace(site.text_of(operand), 0.6)
        case ast.Compare(ops=[op]) if type(op) in OPPOSITES:
            pass  # the opposite operator is tried already
        case ast.expr() if site.is_condition or _is_operand_of_condition(site):
            yield site.replace(negate(site.text_of(site.node)), 0.5)
        case ast.expr() if site.field == "value" and isinstance(site.parent, ast.Return | ast.Assign):
            if site.type_of(site.node) is ValueType.BOOL:
                yield site.replace(negate(site.text_of(site.node)), 0.4)


def connective(site: Site) -> Iterator[TemplateEdit]:
    """Replace `and` by `or`, remove an operand, or swap operands."""
    match site.node:
        case ast.BoolOp(op=op, values=values):
            current, other = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
            for first, second in pairwise(values):
                yield from site.replace_operator(first, second, r"\b(and|or)\b", other, 0.8)
                yield site.swap(first, second, 0.35)
            for index in range(len(values)):
                rest = [site.text_of(value) for place, value in enumerate(values) if place != index]
                yield site.replace(f" {current} ".join(rest), 0.55)


def parentheses(site: Site) -> Iterator[TemplateEdit]:
    """Move the parentheses where `and`, `or` and `not` meet."""
    match site.node:
        case ast.BoolOp(op=ast.Or(), values=[*before, ast.BoolOp(op=ast.And(), values=[first, *rest])]) if before:
            head = " or ".join(site.text_of(value) for value in [*before, first])
            yield site.replace(" and ".join([f"({head})", *(site.text_of(value) for value in rest)]), 0.4)
        case ast.BoolOp(op=ast.Or(), values=[ast.BoolOp(op=ast.And(), values=[*rest, last]), *after]) if after:
            tail = " or ".join(site.text_of(value) for value in [last, *after])
            yield site.replace(" and ".join([*(site.text_of(value) for value in rest), f"({tail})"]), 0.4)
        case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(values=[first, *rest], op=op)):
            word = " and " if isinstance(op, ast.And) else " or "
            yield site.replace(word.join([negate(site.text_of(first)), *(site.text_of(value) for value in rest)]), 0.4)


def truthiness(site: Site) -> Iterator[TemplateEdit]:
    """Replace the truth of a value by a comparison with None or a number, and the reverse."""
    if not (site.is_condition or _is_operand_of_condition(site)):
        return
    match site.node:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call():
            text, value_type = site.text_of(site.node), site.type_of(site.node)
            if value_type is not ValueType.BOOL:
                yield site.replace(f"{text} is not None", 0.5)
                yield site.replace(f"{text} is None", 0.2)
            if value_type in (ValueType.NUMBER, ValueType.UNKNOWN):
                yield site.replace(f"{text} > 0", 0.35)
                yield site.replace(f"{text} > 1", 0.3)
            if value_type in COLLECTIONS or value_type is ValueType.UNKNOWN:
                yield site.replace(f"len({text}) > 1", 0.3)
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            yield site.replace(f"not {site.text_of(left)}", 0.5)
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
            yield site.replace(site.text_of(left), 0.5)


def constant_condition(site: Site) -> Iterator[TemplateEdit]:
    """Replace a condition by True or False."""
    if site.field == "test" and isinstance(site.node, ast.expr) and not isinstance(site.node, ast.Constant):
        yield site.replace("True", 0.2)
        yield site.replace("False", 0.12)


def other_condition(site: Site) -> Iterator[TemplateEdit]:
    """Replace a condition by another of the region, or by its negation."""
    if site.is_condition and isinstance(site.node, ast.expr):
        current = site.text_of(site.node)
        for condition in site.scope.conditions:
            text = site.text_of(condition)
            if text != current and site.scope.can_resolve(condition, site.variables):
                yield site.replace(text, 0.2)
                yield site.replace(negate(text), 0.15)


def _is_operand_of_condition(site: Site) -> bool:
    return isinstance(site.parent, ast.BoolOp) or (
        isinstance(site.parent, ast.UnaryOp) and isinstance(site.parent.op, ast.Not)
    )


TEMPLATES = (
    comparison_operator,
    shifted_comparison,
    negation,
    connective,
    parentheses,
    truthiness,
    constant_condition,
    other_condition,
)
