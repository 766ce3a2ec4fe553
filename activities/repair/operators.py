"""Templates for operators: the wrong operator, order or grouping of operands, or a superfluous operand."""

import ast
from collections.abc import Iterator

from activities.localisation.source import Replacement
from activities.repair.site import Site, TemplateEdit

_OPERATOR = r"\*\*|//|<<|>>|[-+*/%@&|^]"
_AUGMENTED = r"(?:\*\*|//|<<|>>|[-+*/%@&|^])="

_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}

# The operators that may have been meant instead of each, with their priors in 0..1.
_ALTERNATIVES: dict[str, tuple[tuple[str, float], ...]] = {
    "+": (("-", 0.7), ("*", 0.4), ("|", 0.1)),
    "-": (("+", 0.7), ("//", 0.15), ("%", 0.15)),
    "*": (("//", 0.35), ("+", 0.45), ("**", 0.2), ("/", 0.35)),
    "/": (("//", 0.8), ("*", 0.5), ("%", 0.3)),
    "//": (("/", 0.7), ("%", 0.6), ("*", 0.4)),
    "%": (("//", 0.7), ("/", 0.3)),
    "**": (("*", 0.6), ("<<", 0.1)),
    "<<": ((">>", 0.8),),
    ">>": (("<<", 0.8),),
    "&": (("|", 0.8), ("^", 0.6)),
    "|": (("&", 0.8), ("^", 0.6), ("+", 0.2)),
    "^": (("&", 0.8), ("|", 0.7), ("**", 0.2)),
}


def arithmetic_operator(site: Site) -> Iterator[TemplateEdit]:
    """Replace an arithmetic operator."""
    match site.node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
            for symbol, prior in _ALTERNATIVES[_SYMBOLS[type(op)]]:
                yield from site.replace_operator(left, right, _OPERATOR, symbol, prior)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _SYMBOLS:
            for symbol, prior in _ALTERNATIVES[_SYMBOLS[type(op)]]:
                yield from site.replace_operator(target, value, _AUGMENTED, f"{symbol}=", prior)
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield site.replace(site.text_of(operand), 0.5)


def swapped_operands(site: Site) -> Iterator[TemplateEdit]:
    """Swap operands, indices, elements or branches."""
    match site.node:
        case ast.BinOp(left=left, op=op, right=right):
            if not isinstance(op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor):
                yield site.swap(left, right, 0.3 if isinstance(op, ast.Add) else 0.45)
        case ast.Subscript(value=ast.Subscript(slice=first), slice=second):
            yield site.swap(first, second, 0.5)
        case ast.Tuple(elts=[first, second]):
            yield site.swap(first, second, 0.5)
        case ast.Tuple(elts=[first, second, third]):
            for left, right in ((first, second), (second, third), (first, third)):
                yield site.swap(left, right, 0.35)
        case ast.IfExp(body=body, orelse=orelse):
            yield site.swap(body, orelse, 0.5)
        case ast.Dict(keys=[ast.expr() as key], values=[value]):
            yield site.swap(key, value, 0.4)
        case ast.DictComp(key=key, value=value):
            yield site.swap(key, value, 0.5)


def single_operand(site: Site) -> Iterator[TemplateEdit]:
    """Replace an operation by one of its operands."""
    match site.node:
        case ast.BinOp(left=left, right=right):
            yield site.replace(site.text_of(left), 0.5)
            yield site.replace(site.text_of(right), 0.5)
        case ast.IfExp(body=body, orelse=orelse):
            yield site.replace(site.text_of(body), 0.35)
            yield site.replace(site.text_of(orelse), 0.35)
        case ast.Subscript(value=value, ctx=ast.Load()):
            yield site.replace(site.text_of(value), 0.3)
        case ast.Attribute(value=ast.expr() as value, ctx=ast.Load()) if site.field != "func":
            yield site.replace(site.text_of(value), 0.2)


def parentheses(site: Site) -> Iterator[TemplateEdit]:
    """Add or remove parentheses in arithmetic."""
    source = site.scope.source
    if not isinstance(site.node, ast.BinOp) or _is_unparenthesised(site, site.node, site.parent):
        return
    leaves, inner = _split_operation(site, site.node)
    spans = [source.span(leaf) for leaf in leaves[:5]]  # up to ten pairs of parentheses
    for first in range(len(spans)):
        for last in range(first + 1, len(spans)):
            start, end = spans[first][0], spans[last][1]
            is_balanced = source.text.count("(", start, end) == source.text.count(")", start, end)
            if last - first + 1 < len(leaves) and is_balanced:
                yield TemplateEdit((Replacement(start, start, "("), Replacement(end, end, ")")), 0.35)
    for group in inner:
        (start, end), (begin, finish) = source.span(site.node), source.span(group)
        opening, closing = source.text.rfind("(", start, begin), source.text.find(")", finish, end)
        if opening >= 0 and closing >= 0:
            yield TemplateEdit((Replacement(opening, opening + 1, ""), Replacement(closing, closing + 1, "")), 0.35)


def _split_operation(site: Site, node: ast.BinOp) -> tuple[list[ast.expr], list[ast.BinOp]]:
    """Return the operands of a chain without parentheses, and the operations in parentheses among them."""
    leaves: list[ast.expr] = []
    groups: list[ast.BinOp] = []
    for side in (node.left, node.right):
        if isinstance(side, ast.BinOp) and _is_unparenthesised(site, side, node):
            inner_leaves, inner_groups = _split_operation(site, side)
            leaves += inner_leaves
            groups += inner_groups
        else:
            leaves.append(side)
            groups += [side] if isinstance(side, ast.BinOp) else []
    return leaves, groups


def _is_unparenthesised(site: Site, node: ast.BinOp, parent: ast.AST) -> bool:
    if not isinstance(parent, ast.BinOp):
        return False
    inner, outer = site.scope.source.span(node), site.scope.source.span(parent)
    # Parentheses belong to the span of the outer operation only.
    return inner[0] == outer[0] if parent.left is node else inner[1] == outer[1]


TEMPLATES = (arithmetic_operator, swapped_operands, single_operand, parentheses)
