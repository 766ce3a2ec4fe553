"""Conditions that a guard may test: when a statement would fail, and comparisons of the names in scope."""

import ast
import re
from collections import Counter
from functools import lru_cache
from itertools import combinations

from activities.localisation.regions import Region
from activities.repair.site import Site, get_callee
from activities.repair.value_types import COLLECTIONS, ValueType, score_compatibility

Conditions = list[tuple[str, float]]
"""Texts of conditions with their priors in 0..1."""

# Limits by source: each condition becomes several edits, and the first ones are the nearest in scope.
_FAILURE_CONDITIONS = 16
_COPIED_CONDITIONS = 12
_PART_COMPARISONS = 48
_MEMBERSHIPS = 8
_COMPARED_NAMES = 7
_ELEMENTS = 20
_TYPES, _TESTED_VALUES = 3, 3
_EQUAL_NAMES, _OPTIONAL = 4, 3

_SYMBOLS = ("<", ">", "<=", ">=", "!=", "==")


def list_failure_conditions(site: Site, expression: ast.expr | None = None) -> Conditions:
    """Return conditions under which the statement, or an expression in it, would fail, likeliest first."""
    priors: dict[str, float] = {}

    def add(condition: str, prior: float) -> None:
        priors[condition] = max(prior, priors.get(condition, 0.0))

    children = [expression] if expression is not None else ast.iter_child_nodes(site.statement.node)
    header = (child for child in children if isinstance(child, ast.expr))
    for node in (inner for child in header for inner in ast.walk(child)):
        match node:
            case ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as value) if not is_self(value):
                if site.scope.can_resolve(value, site.variables) and not site.scope.is_module(value):
                    add(f"{site.text_of(value)} is None", 0.7)
                    add(f"not {site.text_of(value)}", 0.3)
            case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if site.scope.can_resolve(node, site.variables):
                base = site.text_of(value)
                if isinstance(key, ast.Slice):
                    continue
                if site.type_of(value) is not ValueType.DICT:
                    add(f"not {base}", 0.45)
                    if not isinstance(key, ast.Constant):
                        add(f"{site.text_of(key)} >= len({base})", 0.5)
                        add(f"{site.text_of(key)} < 0", 0.35)
                if site.type_of(value) in (ValueType.DICT, ValueType.UNKNOWN):
                    add(f"{site.text_of(key)} not in {base}", 0.55)
            case ast.Compare(left=left, comparators=[right]):
                for attribute in (left, right):
                    if isinstance(attribute, ast.Attribute) and site.scope.can_resolve(attribute, site.variables):
                        add(f"not {site.text_of(attribute)}", 0.32)
            case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
                if not isinstance(right, ast.Constant) and site.scope.can_resolve(right, site.variables):
                    text = site.text_of(right)
                    add(f"{text} == 0" if isinstance(right, ast.Name) else f"not {text}", 0.6)
            case ast.Name(id=name, ctx=ast.Load()) if name in site.variables and name not in ("self", "cls"):
                value_type = site.type_of_name(name)
                if value_type in COLLECTIONS or value_type is ValueType.UNKNOWN:
                    add(f"not {name}", 0.35)
                if value_type is ValueType.NUMBER:
                    add(f"{name} <= 0", 0.25)
                    add(f"{name} == 0", 0.3)
                elif value_type in (ValueType.UNKNOWN, ValueType.OBJECT):
                    add(f"{name} is None", 0.35)
    if expression is None:
        for condition, prior in [*list_known_conditions(site), *_list_memberships(site)]:
            add(condition, prior)
    return sorted(priors.items(), key=lambda item: -item[1])[:_FAILURE_CONDITIONS]


def list_known_conditions(site: Site) -> Conditions:
    """Return the conditions of the region whose names are in scope."""
    usable = (node for node in site.scope.conditions if site.scope.can_resolve(node, site.variables))
    return [(site.text_of(node), 0.3) for node in usable if not isinstance(node, ast.BoolOp)][:_COPIED_CONDITIONS]


def list_similar_conditions(site: Site) -> Conditions:
    """Return the similar conditions of the file whose names are in scope."""
    usable = (node for node in site.scope.similar_conditions if site.scope.can_resolve(node, site.variables))
    return [(site.text_of(node), 0.28) for node in usable][:_COPIED_CONDITIONS]


def list_type_tests(site: Site) -> Conditions:
    """Return tests whether a value is of a type that the region tests for, or the file where the region tests none."""
    own, others = (
        [name for name, node in types.items() if site.scope.can_resolve(node, site.variables)]
        for types in _list_tested_types(site.scope.region)
    )
    names = [name for name in _list_read_names(site, site.node) if name not in ("self", "cls")]
    if own:
        names += [name for name in site.scope.parameters if name in site.variables and name not in names]
    return [
        (f"isinstance({name}, {tested})", 0.27 if own else 0.25)
        for name in names[:_TESTED_VALUES]
        for tested in (own or others)[:_TYPES]
    ]


def list_missing_parameters(site: Site) -> list[str]:
    """Return tests whether a parameter that the site does not read is None: an optional one, or an object."""
    read = _list_read_names(site, site.node)
    objects = [name for name in site.scope.parameters if site.type_of_name(name) is ValueType.OBJECT]
    names = dict.fromkeys([*list_optional_parameters(site.scope.region), *objects])
    return [f"{name} is None" for name in names if name in site.variables and name not in read][:_OPTIONAL]


def list_equalities(site: Site) -> list[str]:
    """Return equalities of the variables that a statement reads."""
    names = [name for name in _list_read_names(site, site.node) if name not in ("self", "cls")]
    types = {name: site.type_of_name(name) for name in names[:_EQUAL_NAMES]}
    return [
        f"{name} == {other}"
        for name, other in combinations(types, 2)
        if ValueType.CALLABLE not in (types[name], types[other])
        and score_compatibility(types[name], types[other]) >= 0.7
    ]


def list_part_comparisons(site: Site) -> list[str]:
    """Return comparisons of a tested object's elements and attributes with the parameters."""
    match site.node:
        case (
            ast.Name(id=name)
            | ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])
        ):
            parts: dict[str, None] = {f"{name}[0]": None, f"{name}[1]": None}
            for node in ast.walk(site.scope.region.node or site.scope.source.tree):
                match node:
                    case (
                        ast.Attribute(value=ast.Name(id=base))
                        | ast.Subscript(value=ast.Name(id=base), slice=ast.Constant(value=int()))
                    ) if base == name:
                        parts.setdefault(site.text_of(node))
            return [
                f"{part} {symbol} {other}"
                for part in parts
                for other in site.scope.parameters
                if other != name and other in site.variables
                for symbol in ("<", ">", "<=", ">=", "==", "!=")
            ][:_PART_COMPARISONS]
    return []


def list_comparisons(site: Site) -> Conditions:
    """Return memberships, truth tests and comparisons of the variables in scope."""
    conditions = _list_memberships(site)
    names = [name for name in site.variables if name not in ("self", "cls")][:_COMPARED_NAMES]
    types = {name: site.type_of_name(name) for name in names}
    for name in names:
        if types[name] in COLLECTIONS | {ValueType.UNKNOWN, ValueType.BOOL}:
            conditions += [(name, 0.22), (f"not {name}", 0.22)]
        if types[name] is ValueType.NUMBER:
            conditions += [(f"{name} > 0", 0.25), (f"{name} >= 0", 0.2)]
    for item, other in _pair_elements(types):
        conditions += [(f"{item} {symbol} {other}", 0.16) for symbol in ("<", ">", "==", "!=")]
    for name, other in combinations(names, 2):
        if ValueType.CALLABLE in (types[name], types[other]):
            continue
        fit = score_compatibility(types[name], types[other])
        if fit >= 0.7:
            symbols = _SYMBOLS if types[name] is types[other] is ValueType.NUMBER else ("!=", "==")
            conditions += [(f"{name} {symbol} {other}", 0.22 * fit) for symbol in symbols]
    return conditions


def is_self(node: ast.expr) -> bool:
    """Return whether an expression is `self` or `cls`."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _list_read_names(site: Site, node: ast.AST) -> list[str]:
    """Return the variables in scope that a node reads, in source order."""
    walked = (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load))
    return list(dict.fromkeys(name for name in walked if name in site.variables))


@lru_cache(maxsize=8)
def _list_tested_types(region: Region) -> tuple[dict[str, ast.expr], dict[str, ast.expr]]:
    """Return the types that a region tests values for, and those that its file does, most tested first."""

    def count(root: ast.AST) -> dict[str, ast.expr]:
        tested = [
            node.args[1]
            for node in ast.walk(root)
            if isinstance(node, ast.Call) and get_callee(node) == "isinstance" and len(node.args) == 2
        ]
        by_text = {ast.unparse(node): node for node in tested}
        return {text: by_text[text] for text, _ in Counter(map(ast.unparse, tested)).most_common()}

    return count(region.node or region.source.tree), count(region.source.tree)


@lru_cache(maxsize=8)
def list_optional_parameters(region: Region) -> list[str]:
    """Return the parameters whose default is None, or whose annotation allows it."""
    if region.function is None:
        return []
    arguments = region.function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + [*arguments.defaults, *arguments.kw_defaults]
    return [
        parameter.arg
        for parameter, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True)
        if (isinstance(default, ast.Constant) and default.value is None)
        or (parameter.annotation and re.search(r"\b(None|Optional)\b", ast.unparse(parameter.annotation)))
    ]


def _list_memberships(site: Site) -> Conditions:
    """Return conditions such as `x in seen`, for what a loop must do only once."""
    types = {name: site.type_of_name(name) for name in site.variables}
    collections = _select_names(types, ValueType.SET, ValueType.DICT, ValueType.LIST)
    items = [name for name in types if types[name] not in COLLECTIONS | {ValueType.CALLABLE}]
    pairs = [(item, collection) for collection in collections for item in items if item not in ("self", "cls")]
    return [
        (f"{item} {word} {collection}", 0.4 if types[collection] is ValueType.SET else 0.3)
        for item, collection in pairs[:_MEMBERSHIPS]
        for word in ("in", "not in")
    ]


def _pair_elements(types: dict[str, ValueType]) -> list[tuple[str, str]]:
    """Return the elements of each sequence at each number in scope, each with another variable."""
    sequences = _select_names(types, ValueType.LIST, ValueType.ITERABLE, ValueType.TUPLE)
    indices = _select_names(types, ValueType.NUMBER)
    others = _select_names(types, ValueType.NUMBER, ValueType.UNKNOWN)
    triples = [(sequence, index, other) for sequence in sequences for index in indices for other in others]
    return [(f"{sequence}[{index}]", other) for sequence, index, other in triples if other != index][:_ELEMENTS]


def _select_names(types: dict[str, ValueType], *selected: ValueType) -> list[str]:
    return [name for name, value_type in types.items() if value_type in selected]
