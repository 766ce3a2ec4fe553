"""Templates for operands: the wrong variable, attribute, operator or part of an expression."""

import ast
from collections.abc import Iterator

from activities.localisation.source import Replacement
from activities.localisation.vocabulary import measure_similarity
from activities.repair.scope import BUILTINS
from activities.repair.site import Site, TemplateEdit
from activities.repair.value_types import COLLECTIONS, SEQUENCES, ValueType, affinity

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

# How many members of classes elsewhere are offered for an attribute, most alike first.
_MEMBERS = 16

_MEANT: dict[str, tuple[tuple[str, float], ...]] = {
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


def operator(site: Site) -> Iterator[TemplateEdit]:
    """Another arithmetic operator."""
    match site.node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
            for meant, prior in _MEANT[_SYMBOLS[type(op)]]:
                yield from site.operator(left, right, _OPERATOR, meant, prior)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _SYMBOLS:
            for meant, prior in _MEANT[_SYMBOLS[type(op)]]:
                yield from site.operator(target, value, _AUGMENTED, f"{meant}=", prior)
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield site.replace(site.text(operand), 0.5)


def order(site: Site) -> Iterator[TemplateEdit]:
    """Operands, indices, elements or branches the other way round."""
    match site.node:
        case ast.BinOp(left=left, op=op, right=right):
            if not isinstance(op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor):
                yield site.exchange(left, right, 0.3 if isinstance(op, ast.Add) else 0.45)
        case ast.Subscript(value=ast.Subscript(slice=first), slice=second):
            yield site.exchange(first, second, 0.5)
        case ast.Tuple(elts=[first, second]):
            yield site.exchange(first, second, 0.5)
        case ast.Tuple(elts=[first, second, third]):
            for one, other in ((first, second), (second, third), (first, third)):
                yield site.exchange(one, other, 0.35)
        case ast.IfExp(body=body, orelse=orelse):
            yield site.exchange(body, orelse, 0.5)
        case ast.Dict(keys=[ast.expr() as key], values=[value]):
            yield site.exchange(key, value, 0.4)
        case ast.DictComp(key=key, value=value):
            yield site.exchange(key, value, 0.5)


def part(site: Site) -> Iterator[TemplateEdit]:
    """One operand where two are combined."""
    match site.node:
        case ast.BinOp(left=left, right=right):
            prior = 0.5
            yield site.replace(site.text(left), prior)
            yield site.replace(site.text(right), prior)
        case ast.IfExp(body=body, orelse=orelse):
            yield site.replace(site.text(body), 0.35)
            yield site.replace(site.text(orelse), 0.35)
        case ast.Subscript(value=value, ctx=ast.Load()):
            yield site.replace(site.text(value), 0.3)
        case ast.Attribute(value=ast.expr() as value, ctx=ast.Load()) if not _is_called(site):
            yield site.replace(site.text(value), 0.2)


def grouping(site: Site) -> Iterator[TemplateEdit]:
    """Other parentheses in arithmetic."""
    source = site.scope.source
    if not isinstance(site.node, ast.BinOp) or _is_bare(site, site.node, site.parent):
        return
    leaves, inner = _operands(site, site.node)
    spans = [source.span(leaf) for leaf in leaves[:5]]
    for first in range(len(spans)):
        for last in range(first + 1, len(spans)):
            start, end = spans[first][0], spans[last][1]
            if last - first + 1 < len(leaves) and source.text.count("(", start, end) == source.text.count(
                ")", start, end
            ):
                yield TemplateEdit((Replacement(start, start, "("), Replacement(end, end, ")")), 0.35)
    for group in inner:
        (start, end), (begin, finish) = source.span(site.node), source.span(group)
        opening, closing = source.text.rfind("(", start, begin), source.text.find(")", finish, end)
        if opening >= 0 and closing >= 0:
            yield TemplateEdit((Replacement(opening, opening + 1, ""), Replacement(closing, closing + 1, "")), 0.35)


def _operands(site: Site, node: ast.BinOp) -> tuple[list[ast.expr], list[ast.BinOp]]:
    """What an operation combines without parentheses, and the operations in parentheses below it."""
    leaves: list[ast.expr] = []
    groups: list[ast.BinOp] = []
    for side in (node.left, node.right):
        if isinstance(side, ast.BinOp) and _is_bare(site, side, node):
            below = _operands(site, side)
            leaves += below[0]
            groups += below[1]
        else:
            leaves.append(side)
            groups += [side] if isinstance(side, ast.BinOp) else []
    return leaves, groups


def _is_bare(site: Site, node: ast.BinOp, parent: ast.AST) -> bool:
    """Whether an operation is an operand of another without parentheses around it."""
    if not isinstance(parent, ast.BinOp):
        return False
    own, outer = site.scope.source.span(node), site.scope.source.span(parent)
    return own[0] == outer[0] if parent.left is node else own[1] == outer[1]


def variable(site: Site) -> Iterator[TemplateEdit]:
    """Another variable."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load() | ast.Store()) if not _is_called(site):
            wanted = site.kind(site.node)
            for other in site.names:
                if other != name and not _is_vacuous(site, other):
                    yield site.replace(other, 0.65 * _fit(site, wanted, site.scope.kinds.of_name(other)))
            for other in site.scope.constants:
                if other != name and other not in site.names:
                    yield site.replace(other, 0.3 * _likeness(name, other))


def name_for_constant(site: Site) -> Iterator[TemplateEdit]:
    """A variable where a constant stands, or a constant for a variable."""
    match site.node:
        case ast.Constant(value=value) if value is not None and not isinstance(site.parent, ast.Expr):
            for name in site.names:
                fit = affinity(site.kind(site.node), site.scope.kinds.of_name(name))
                if name not in ("self", "cls") and fit >= 0.4:
                    yield site.replace(name, 0.42 * fit)
            for name in site.scope.constants:
                yield site.replace(name, 0.25)
        case ast.Name(ctx=ast.Load()) if site.slot in ("args", "slice", "lower", "upper", "comparators", "right"):
            if site.kind(site.node) in (ValueType.NUMBER, ValueType.UNKNOWN):
                yield site.replace("0", 0.15)
                yield site.replace("1", 0.2)


def attribute(site: Site) -> Iterator[TemplateEdit]:
    """Another attribute of the same object."""
    match site.node:
        case ast.Attribute(value=value, attr=name):
            for other, same in site.scope.attributes_like(site.node)[:40]:
                prior = 0.65 if same else 0.35
                yield site.replace(f"{site.text(value)}.{other}", prior * _likeness(name, other))
            if not _is_module(site, value):
                used = {name for name, _ in site.scope.attributes_like(site.node)}
                rated = ((measure_similarity(name, other), other) for other in site.scope.vocabulary.members)
                for alike, other in sorted(rated, key=lambda pair: -pair[0])[:_MEMBERS]:
                    if other != name and other not in used:
                        yield site.replace(f"{site.text(value)}.{other}", 0.2 + 0.3 * alike)
            for other in site.names:
                if _is_variable(value) and other != getattr(value, "id", ""):
                    fit = affinity(site.kind(value), site.scope.kinds.of_name(other))
                    if fit >= 0.7:
                        yield site.replace(f"{other}.{name}", 0.3 * fit)


def spelling(site: Site) -> Iterator[TemplateEdit]:
    """An identifier that the repository writes otherwise."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()):
            for other, alike in site.scope.vocabulary.find_similar(name):
                known = other in site.names or other in site.scope.globals or other in BUILTINS
                if other.isidentifier() and known:
                    yield site.replace(other, 0.6 * alike)
        case ast.Attribute(value=value, attr=name):
            for other, alike in site.scope.vocabulary.find_similar(name):
                if other.isidentifier():
                    yield site.replace(f"{site.text(value)}.{other}", 0.6 * alike)


def member(site: Site) -> Iterator[TemplateEdit]:
    """`self.` that is missing or too much."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if name in site.scope.own_attributes and "self" in site.names:
            known = name in site.names or name in site.scope.globals
            yield site.replace(f"self.{name}", 0.5 if known else 0.95)
        case ast.Name(id=name, ctx=ast.Load()) if name != "self" and "self" in site.names and site.slot != "func":
            for other in site.scope.own_attributes:
                if not other.startswith("__"):
                    yield site.replace(f"self.{other}", 0.17 * _likeness(name, other))
        case ast.Name(id=name, ctx=ast.Store()) if name in site.scope.own_attributes and "self" in site.names:
            if isinstance(site.parent, ast.Assign | ast.AugAssign):
                yield site.replace(f"self.{name}", 0.6)
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in site.names:
            yield site.replace(name, 0.55)


def ingredient(site: Site) -> Iterator[TemplateEdit]:
    """An expression that stands elsewhere in the region."""
    if not isinstance(site.node, ast.expr) or site.is_condition or _is_called(site):
        return
    match site.node:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() | ast.BinOp() | ast.Constant():
            pass
        case _:
            return
    own, wanted = site.text(site.node), site.kind(site.node)
    stored = isinstance(getattr(site.node, "ctx", None), ast.Store)
    mentioned = _names(site.node)
    for other in site.scope.ingredients:
        text = site.text(other)
        if text == own or not site.scope.can_name(other, site.names):
            continue
        if stored and not (isinstance(other, ast.Subscript | ast.Attribute) and _is_place(other)):
            continue
        related = 0.45 if mentioned & _names(other) else 0.3
        yield site.replace(text, related * _fit(site, wanted, site.kind(other)))


def name_for_expression(site: Site) -> Iterator[TemplateEdit]:
    """A variable that holds what is worked out, or looked up, once more."""
    match site.node:
        case ast.Call() | ast.Subscript() | ast.Attribute() if not _is_called(site):
            wanted = site.kind(site.node)
            for name in site.names:
                if not _is_vacuous(site, name):
                    fit = _fit(site, wanted, site.scope.kinds.of_name(name))
                    yield site.replace(name, (0.4 if name not in _names(site.node) else 0.3) * fit)


def addition(site: Site) -> Iterator[TemplateEdit]:
    """A term that is missing from an argument, a result, an element or another term."""
    if site.slot not in ("args", "value", "elt", "slice", "elts", "left", "right") or not isinstance(
        site.node, ast.expr
    ):
        return
    if isinstance(site.parent, ast.Attribute | ast.Subscript) and site.slot == "value":
        return
    if isinstance(site.node, ast.Lambda | ast.Starred | ast.Slice | ast.Compare | ast.GeneratorExp | ast.Dict):
        return
    if isinstance(site.parent, ast.Expr):
        return
    text, wanted = site.text(site.node), site.kind(site.node)
    strong = 0.4 if site.recursive or isinstance(site.parent, ast.Return) else 0.22
    if isinstance(site.parent, ast.BinOp):
        strong = 0.0 if isinstance(site.parent.op, ast.Add | ast.Sub) else 0.26
    for name in site.names:
        offered = site.scope.kinds.of_name(name)
        fit = affinity(wanted, offered)
        if name == text or fit < 0.5:
            continue
        if ValueType.NUMBER in (wanted, offered) or wanted == offered == ValueType.UNKNOWN:
            yield site.replace(f"{text} - {name}", strong * fit)
            yield site.replace(f"{text} + {name}", strong * fit)
            yield site.replace(f"{text} * {name}", strong * fit * 0.6)
            yield site.replace(f"{text} % {name}", strong * fit * 0.4)
        elif wanted in SEQUENCES or offered in SEQUENCES:
            yield site.replace(f"{text} + {name}", strong * fit)
            yield site.replace(f"{name} + {text}", strong * fit)
        elif wanted in COLLECTIONS or offered in COLLECTIONS:
            yield site.replace(f"{text} | {name}", strong * fit * 0.7)


def element(site: Site) -> Iterator[TemplateEdit]:
    """The element at an index for the index or the whole."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if not _is_called(site) and not isinstance(site.parent, ast.Subscript):
            own = site.kind(site.node)
            for other in site.names:
                kind = site.scope.kinds.of_name(other)
                if other == name:
                    continue
                if own in (ValueType.NUMBER, ValueType.UNKNOWN) and kind in (
                    ValueType.LIST,
                    ValueType.DICT,
                    ValueType.TEXT,
                    ValueType.ITERABLE,
                ):
                    yield site.replace(f"{other}[{name}]", 0.25)
                if own in (ValueType.LIST, ValueType.DICT, ValueType.ITERABLE) and kind in (
                    ValueType.NUMBER,
                    ValueType.TEXT,
                ):
                    yield site.replace(f"{name}[{other}]", 0.25)


def _fit(site: Site, wanted: ValueType, offered: ValueType) -> float:
    fit = affinity(wanted, offered)
    return fit * 0.8 if isinstance(getattr(site.node, "ctx", None), ast.Store) else fit


def _likeness(name: str, other: str) -> float:
    """How alike two identifiers are, in 0.6..1.4: slips of the pen keep most of the letters."""
    return 0.6 + 0.8 * measure_similarity(name, other)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _is_called(site: Site) -> bool:
    return site.slot == "func"


def _is_module(site: Site, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and isinstance(site.scope.globals.get(node.id), ast.Import | ast.ImportFrom)


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in ("self", "cls")


def _is_place(node: ast.expr) -> bool:
    """Whether an assignment can have the expression on its left."""
    match node:
        case ast.Subscript(value=value) | ast.Attribute(value=value):
            return isinstance(value, ast.Name | ast.Attribute | ast.Subscript)
    return False


def _is_vacuous(site: Site, name: str) -> bool:
    """Whether `name` would meet itself here, as in `x = x` or `x < x`."""
    match site.parent:
        case ast.Assign(targets=[ast.Name(id=other)]) if site.slot == "value":
            return other == name
        case ast.Assign(value=ast.Name(id=other)) if site.slot == "targets":
            return other == name
        case ast.Compare(left=left, comparators=[right]):
            beside = right if left is site.node else left
            return isinstance(beside, ast.Name) and beside.id == name
        case ast.BinOp(left=left, op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
            beside = right if left is site.node else left
            return isinstance(beside, ast.Name) and beside.id == name
    return False


TEMPLATES = (
    operator,
    order,
    part,
    grouping,
    variable,
    name_for_constant,
    attribute,
    spelling,
    member,
    ingredient,
    name_for_expression,
    addition,
    element,
)
