"""Templates for limits: a value should be no less or no more than another."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from activities.localisation.regions import Region
from activities.repair.site import Site, TemplateEdit, get_callee
from activities.repair.value_types import ValueType, score_compatibility
from activities.repair.wrapping import is_passed_on, is_wrappable

# Functions whose arguments need no limit.
_UNLIMITED = ("min", "max", "range", "len")
# Limits tried of what the function compares, and of what it adds up.
_COMPARED, _COMPUTED = 4, 2

_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def clamp(site: Site) -> Iterator[TemplateEdit]:
    """Limit a value by a variable, zero or the same attribute of another object."""
    if not is_wrappable(site) or not isinstance(site.node, ast.expr):
        return
    if isinstance(site.parent, ast.Call) and get_callee(site.parent) in _UNLIMITED:
        return
    text, value_type = site.text_of(site.node), site.type_of(site.node)
    if value_type not in (ValueType.NUMBER, ValueType.UNKNOWN):
        return
    prior = 0.38 if site.field == "elts" or isinstance(site.parent, ast.Assign | ast.Return) else 0.2
    unknown_fit = 0.3 if isinstance(site.node, ast.Call) else 0.72
    for name in site.variables:
        other = site.type_of_name(name)
        if name != text and other in (ValueType.NUMBER, ValueType.UNKNOWN) and name not in ("self", "cls"):
            is_number = ValueType.NUMBER in (value_type, other)
            fit = score_compatibility(value_type, other) if is_number else unknown_fit
            yield site.replace(f"max({name}, {text})", prior * fit)
            yield site.replace(f"min({name}, {text})", prior * fit)
    if value_type is ValueType.NUMBER:
        yield site.replace(f"max(0, {text})", 0.2)
    if isinstance(site.node, ast.Attribute):
        for other_object in _list_objects_with_attribute(site, site.node):
            yield site.replace(f"max({other_object}.{site.node.attr}, {text})", 0.33)
            yield site.replace(f"min({other_object}.{site.node.attr}, {text})", 0.33)


def limit(site: Site) -> Iterator[TemplateEdit]:
    """Limit a value by what stood in its place before, or by what the function compares or adds up."""
    if not is_wrappable(site) or not is_passed_on(site) or not isinstance(site.node, ast.expr):
        return
    if isinstance(site.parent, ast.Call) and get_callee(site.parent) in _UNLIMITED:
        return
    if site.type_of(site.node) in (ValueType.NUMBER, ValueType.UNKNOWN):
        text = site.text_of(site.node)
        for other, prior in _list_limits(site, site.node):
            yield site.replace(f"max({text}, {other})", prior)
            yield site.replace(f"min({text}, {other})", prior)


def _list_limits(site: Site, node: ast.expr) -> list[tuple[str, float]]:
    """Return the expressions that may limit a value, with their priors."""
    pairs, terms = _list_numbers(site.scope.region)
    text, priors = ast.unparse(node), dict[str, float]()
    # A value that is compared with something is limited by that, any other by what the function compares.
    partners = [pair[1 - side] for pair in pairs for side in (0, 1) if ast.unparse(pair[side]) == text]
    compared = partners or [other for pair in pairs for other in pair]
    old = _get_old_value(site)
    if old is not None and old in map(ast.unparse, compared):
        priors[old] = 0.45
    for others, prior, most in ((compared, 0.36, _COMPARED), (terms, 0.26, _COMPUTED)):
        usable = dict.fromkeys(ast.unparse(other) for other in others if _can_limit(site, other, node))
        for other in [*usable][:most]:
            priors.setdefault(other, prior)
    return [*priors.items()]


@lru_cache(maxsize=8)
def _list_numbers(region: Region) -> tuple[list[tuple[ast.expr, ast.expr]], list[ast.expr]]:
    """Return the pairs that a region orders, and the attributes and elements that it adds up."""
    pairs, terms = list[tuple[ast.expr, ast.expr]](), list[ast.expr]()
    for node in ast.walk(region.node or region.source.tree):
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _ORDERINGS):
                pairs.append((left, right))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                terms += [left, right]
            case ast.AugAssign(target=target, op=ast.Add() | ast.Sub()):
                terms.append(target)
    return pairs, [term for term in terms if isinstance(term, ast.Attribute | ast.Subscript)]


def _can_limit(site: Site, other: ast.expr, node: ast.expr) -> bool:
    """Return whether an expression is a number in scope; variables are left to `clamp`."""
    match other:
        case ast.Attribute() | ast.Subscript() | ast.Call(func=ast.Name(id="len")):
            is_part = ast.unparse(node) in map(ast.unparse, ast.walk(other))
            has_part = ast.unparse(other) in map(ast.unparse, ast.walk(node))
            is_number = site.type_of(other) in (ValueType.NUMBER, ValueType.UNKNOWN)
            return is_number and not is_part and not has_part and site.scope.can_resolve(other, site.variables)
    return False


def _get_old_value(site: Site) -> str | None:
    """Return what stands before in the place that a value is assigned to."""
    match site.parent, site.scope.source.parent(site.parent):
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target]), _:
            return ast.unparse(target)
        case ast.Tuple(elts=elements) | ast.List(elts=elements), ast.Assign(targets=[ast.expr() as target]):
            index = next(index for index, element in enumerate(elements) if element is site.node)
            return f"{ast.unparse(target)}[{index}]"
    return None


def _list_objects_with_attribute(site: Site, node: ast.Attribute) -> list[str]:
    """Return the other variables that have the attribute: they are read with it, or with fields of the same class."""
    classes = [set(fields) for fields in site.scope.vocabulary.signatures.values() if node.attr in fields]
    attributes_of: dict[str, set[str]] = {}
    for other in ast.walk(site.scope.region.node or site.scope.source.tree):
        match other:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name != site.text_of(node.value):
                attributes_of.setdefault(name, set()).add(attribute)
    return [
        name
        for name, attributes in attributes_of.items()
        if name in site.variables and (node.attr in attributes or any(attributes & fields for fields in classes))
    ]


TEMPLATES = (clamp, limit)
