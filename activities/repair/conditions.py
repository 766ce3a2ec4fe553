"""Templates for conditions: the operator, the truth or a part of a condition is wrong."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from activities.repair.site import OPPOSITES, Site, TemplateEdit, negated
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

# What an operator is likely to have been meant to be, with the prior of each.
_MEANT: dict[str, tuple[tuple[str, float], ...]] = {
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
    """Another comparison operator."""
    match site.node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for (first, second), op in zip(pairwise([left, *comparators]), ops, strict=True):
                for meant, prior in _MEANT[SYMBOLS[type(op)]]:
                    if (meant in ("in", "not in")) and site.kind(second) not in COLLECTIONS:
                        continue
                    yield from site.operator(first, second, _OPERATOR, meant, prior)


def compared_constant(site: Site) -> Iterator[TemplateEdit]:
    """Another operator together with the constant beside it, as in `n == 0` for `n <= 1`."""
    match site.node:
        case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=int(number)) as right]):
            if isinstance(right.value, bool) or SYMBOLS[type(op)] not in ("<", "<=", ">", ">=", "==", "!="):
                return
            for symbol in ("<", "<=", ">", ">=", "==", "!="):
                for other in (number - 1, number + 1):
                    if symbol != SYMBOLS[type(op)]:
                        prior = 0.5 if symbol in ("<=", ">", "<", ">=") else 0.3
                        yield site.replace(f"{site.text(left)} {symbol} {other}", prior)


def negation(site: Site) -> Iterator[TemplateEdit]:
    """The opposite of a condition or of one of its parts."""
    match site.node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield site.replace(site.text(operand), 0.6)
        case ast.Compare(ops=[op]) if type(op) in OPPOSITES:
            pass  # an operator says it
        case ast.expr() if site.is_condition or _is_part(site):
            yield site.replace(negated(site.text(site.node)), 0.5)
        case ast.expr() if site.slot == "value" and isinstance(site.parent, ast.Return | ast.Assign):
            if site.kind(site.node) is ValueType.BOOL:
                yield site.replace(negated(site.text(site.node)), 0.4)


def connective(site: Site) -> Iterator[TemplateEdit]:
    """`and` for `or`, one operand less, or the operands the other way round."""
    match site.node:
        case ast.BoolOp(op=op, values=values):
            other = "or" if isinstance(op, ast.And) else "and"
            for first, second in pairwise(values):
                yield from site.operator(first, second, r"\b(and|or)\b", other, 0.8)
                yield site.exchange(first, second, 0.35)
            own = "and" if isinstance(op, ast.And) else "or"
            for index in range(len(values)):
                rest = [site.text(value) for place, value in enumerate(values) if place != index]
                yield site.replace(f" {own} ".join(rest), 0.55)


def grouping(site: Site) -> Iterator[TemplateEdit]:
    """Other parentheses where `and` meets `or`, or `not` meets either."""
    match site.node:
        case ast.BoolOp(op=ast.Or(), values=[*before, ast.BoolOp(op=ast.And(), values=[first, *rest])]) if before:
            head = " or ".join(site.text(value) for value in [*before, first])
            yield site.replace(" and ".join([f"({head})", *(site.text(value) for value in rest)]), 0.4)
        case ast.BoolOp(op=ast.Or(), values=[ast.BoolOp(op=ast.And(), values=[*rest, last]), *after]) if after:
            tail = " or ".join(site.text(value) for value in [last, *after])
            yield site.replace(" and ".join([*(site.text(value) for value in rest), f"({tail})"]), 0.4)
        case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(values=[first, *rest], op=op)):
            word = " and " if isinstance(op, ast.And) else " or "
            yield site.replace(word.join([negated(site.text(first)), *(site.text(value) for value in rest)]), 0.4)


def truth(site: Site) -> Iterator[TemplateEdit]:
    """Being there for being true, and the other way round."""
    if not (site.is_condition or _is_part(site)):
        return
    match site.node:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call():
            text, kind = site.text(site.node), site.kind(site.node)
            if kind is not ValueType.BOOL:
                yield site.replace(f"{text} is not None", 0.5)
                yield site.replace(f"{text} is None", 0.2)
            if kind in (ValueType.NUMBER, ValueType.UNKNOWN):
                yield site.replace(f"{text} > 0", 0.35)
                yield site.replace(f"{text} > 1", 0.3)
            if kind in COLLECTIONS or kind is ValueType.UNKNOWN:
                yield site.replace(f"len({text}) > 1", 0.3)
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            yield site.replace(f"not {site.text(left)}", 0.5)
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
            yield site.replace(site.text(left), 0.5)


def always(site: Site) -> Iterator[TemplateEdit]:
    """A condition that always or never holds."""
    if site.slot == "test" and isinstance(site.node, ast.expr) and not isinstance(site.node, ast.Constant):
        yield site.replace("True", 0.2)
        yield site.replace("False", 0.12)


def other_condition(site: Site) -> Iterator[TemplateEdit]:
    """A condition that stands elsewhere in the region."""
    if site.is_condition and isinstance(site.node, ast.expr):
        own = site.text(site.node)
        for condition in site.scope.conditions:
            text = site.text(condition)
            if text != own and site.scope.can_name(condition, site.names):
                yield site.replace(text, 0.2)
                yield site.replace(negated(text), 0.15)


def _is_part(site: Site) -> bool:
    return isinstance(site.parent, ast.BoolOp) or (
        isinstance(site.parent, ast.UnaryOp) and isinstance(site.parent.op, ast.Not)
    )


TEMPLATES = (
    comparison_operator,
    compared_constant,
    negation,
    connective,
    grouping,
    truth,
    always,
    other_condition,
)
