"""Templates for operands: the wrong variable, attribute, constant or expression."""

import ast
from collections.abc import Iterator

from activities.localisation.vocabulary import measure_similarity
from activities.repair.guard_conditions import is_self
from activities.repair.scope import BUILTINS
from activities.repair.site import Site, TemplateEdit
from activities.repair.value_types import COLLECTIONS, SEQUENCES, ValueType, score_compatibility

# Attributes tried for an attribute: those of the file, and the most similar members of classes elsewhere.
_ATTRIBUTES = 40
_MEMBERS = 16
_INDEXABLE = frozenset({ValueType.LIST, ValueType.DICT, ValueType.ITERABLE})
# Fields of a parent in which a term may be missing.
_TERM_FIELDS = ("args", "value", "elt", "slice", "elts", "left", "right")


def variable(site: Site) -> Iterator[TemplateEdit]:
    """Replace a variable by another."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load() | ast.Store()) if site.field != "func":
            expected = site.type_of(site.node)
            for other in site.variables:
                if other != name and not _is_pointless(site, other):
                    yield site.replace(other, 0.65 * _score_fit(site, expected, site.type_of_name(other)))
            for other in site.scope.module_variables:
                if other != name and other not in site.variables:
                    yield site.replace(other, 0.3 * _scale_similarity(name, other))


def variable_for_constant(site: Site) -> Iterator[TemplateEdit]:
    """Replace a constant by a variable, or a variable by 0 or 1."""
    match site.node:
        case ast.Constant(value=value) if value is not None and not isinstance(site.parent, ast.Expr):
            for name in site.variables:
                fit = score_compatibility(site.type_of(site.node), site.type_of_name(name))
                if name not in ("self", "cls") and fit >= 0.4:
                    yield site.replace(name, 0.42 * fit)
            for name in site.scope.module_variables:
                yield site.replace(name, 0.25)
        case ast.Name(ctx=ast.Load()) if site.field in ("args", "slice", "lower", "upper", "comparators", "right"):
            if site.type_of(site.node) in (ValueType.NUMBER, ValueType.UNKNOWN):
                yield site.replace("0", 0.15)
                yield site.replace("1", 0.2)


def attribute(site: Site) -> Iterator[TemplateEdit]:
    """Replace an attribute, or its object."""
    match site.node:
        case ast.Attribute(value=value, attr=name):
            for other, same in site.scope.list_similar_attributes(site.node)[:_ATTRIBUTES]:
                prior = 0.65 if same else 0.35
                yield site.replace(f"{site.text_of(value)}.{other}", prior * _scale_similarity(name, other))
            if not site.scope.is_module(value):
                used = {name for name, _ in site.scope.list_similar_attributes(site.node)}
                scored = ((measure_similarity(name, other), other) for other in site.scope.vocabulary.members)
                for similarity, other in sorted(scored, key=lambda pair: -pair[0])[:_MEMBERS]:
                    if other != name and other not in used:
                        yield site.replace(f"{site.text_of(value)}.{other}", 0.2 + 0.3 * similarity)
            for other in site.variables:
                if _is_variable(value) and other != getattr(value, "id", ""):
                    fit = score_compatibility(site.type_of(value), site.type_of_name(other))
                    if fit >= 0.7:
                        yield site.replace(f"{other}.{name}", 0.3 * fit)


def misspelling(site: Site) -> Iterator[TemplateEdit]:
    """Replace an identifier by a similar one of the repository."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()):
            for other, similarity in site.scope.vocabulary.find_similar(name):
                known = other in site.variables or other in site.scope.globals or other in BUILTINS
                if other.isidentifier() and known:
                    yield site.replace(other, 0.6 * similarity)
        case ast.Attribute(value=value, attr=name):
            for other, similarity in site.scope.vocabulary.find_similar(name):
                if other.isidentifier():
                    yield site.replace(f"{site.text_of(value)}.{other}", 0.6 * similarity)


def self_prefix(site: Site) -> Iterator[TemplateEdit]:
    """Add or remove the prefix `self.`."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if name in site.scope.self_attributes and "self" in site.variables:
            known = name in site.variables or name in site.scope.globals
            yield site.replace(f"self.{name}", 0.5 if known else 0.95)
        case ast.Name(id=name, ctx=ast.Load()) if name != "self" and "self" in site.variables and site.field != "func":
            # The error says that the object of an attribute has none of that name: then it is another object.
            has_none = isinstance(site.parent, ast.Attribute) and site.parent.attr in site.scope.vocabulary.quoted_names
            objects = _list_objects_of_self(site) if has_none else ()
            for other in site.scope.self_attributes:
                if not other.startswith("__"):
                    prior = 0.9 if other in objects else 0.17
                    yield site.replace(f"self.{other}", prior * _scale_similarity(name, other))
        case ast.Name(id=name, ctx=ast.Store()) if name in site.scope.self_attributes and "self" in site.variables:
            if isinstance(site.parent, ast.Assign | ast.AugAssign):
                yield site.replace(f"self.{name}", 0.6)
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in site.variables:
            yield site.replace(name, 0.55)


def _list_objects_of_self(site: Site) -> set[str]:
    """Return the attributes of `self` whose own attributes the file reads."""
    return {
        node.value.attr
        for node in ast.walk(site.scope.source.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and is_self(node.value.value)
    }


def ingredient(site: Site) -> Iterator[TemplateEdit]:
    """Replace an expression by another of the region."""
    if site.is_condition or site.field == "func":
        return
    if not isinstance(site.node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.BinOp | ast.Constant):
        return
    current, expected = site.text_of(site.node), site.type_of(site.node)
    is_stored = isinstance(getattr(site.node, "ctx", None), ast.Store)
    names = _collect_names(site.node)
    for other in site.scope.ingredients:
        text = site.text_of(other)
        if text == current or not site.scope.can_resolve(other, site.variables):
            continue
        if is_stored and not _is_assignable(other):
            continue
        prior = 0.45 if names & _collect_names(other) else 0.3
        yield site.replace(text, prior * _score_fit(site, expected, site.type_of(other)))


def variable_for_expression(site: Site) -> Iterator[TemplateEdit]:
    """Replace an expression by a variable that may already hold its value."""
    match site.node:
        case ast.Call() | ast.Subscript() | ast.Attribute() if site.field != "func":
            expected = site.type_of(site.node)
            for name in site.variables:
                if not _is_pointless(site, name):
                    fit = _score_fit(site, expected, site.type_of_name(name))
                    yield site.replace(name, (0.4 if name not in _collect_names(site.node) else 0.3) * fit)


def added_term(site: Site) -> Iterator[TemplateEdit]:
    """Add a variable to an argument, a result, an element or another term."""
    if site.field not in _TERM_FIELDS or not isinstance(site.node, ast.expr) or isinstance(site.parent, ast.Expr):
        return
    if isinstance(site.parent, ast.Attribute | ast.Subscript) and site.field == "value":
        return
    if isinstance(site.node, ast.Lambda | ast.Starred | ast.Slice | ast.Compare | ast.GeneratorExp | ast.Dict):
        return
    text, expected = site.text_of(site.node), site.type_of(site.node)
    prior = 0.4 if site.is_recursive_argument or isinstance(site.parent, ast.Return) else 0.22
    if isinstance(site.parent, ast.BinOp):
        prior = 0.0 if isinstance(site.parent.op, ast.Add | ast.Sub) else 0.26
    for name in site.variables:
        actual = site.type_of_name(name)
        fit = score_compatibility(expected, actual)
        if name == text or fit < 0.5:
            continue
        if ValueType.NUMBER in (expected, actual) or expected == actual == ValueType.UNKNOWN:
            yield site.replace(f"{text} - {name}", prior * fit)
            yield site.replace(f"{text} + {name}", prior * fit)
            yield site.replace(f"{text} * {name}", prior * fit * 0.6)
            yield site.replace(f"{text} % {name}", prior * fit * 0.4)
        elif expected in SEQUENCES or actual in SEQUENCES:
            yield site.replace(f"{text} + {name}", prior * fit)
            yield site.replace(f"{name} + {text}", prior * fit)
        elif expected in COLLECTIONS or actual in COLLECTIONS:
            yield site.replace(f"{text} | {name}", prior * fit * 0.7)


def indexed_element(site: Site) -> Iterator[TemplateEdit]:
    """Replace an index or a collection by an element."""
    match site.node:
        case ast.Name(id=name, ctx=ast.Load()) if site.field != "func" and not isinstance(site.parent, ast.Subscript):
            name_type = site.type_of(site.node)
            for other in site.variables:
                other_type = site.type_of_name(other)
                if other == name:
                    continue
                if name_type in (ValueType.NUMBER, ValueType.UNKNOWN) and other_type in _INDEXABLE | {ValueType.TEXT}:
                    yield site.replace(f"{other}[{name}]", 0.25)
                if name_type in _INDEXABLE and other_type in (ValueType.NUMBER, ValueType.TEXT):
                    yield site.replace(f"{name}[{other}]", 0.25)


def _score_fit(site: Site, expected: ValueType, actual: ValueType) -> float:
    fit = score_compatibility(expected, actual)
    return fit * 0.8 if isinstance(getattr(site.node, "ctx", None), ast.Store) else fit


def _scale_similarity(name: str, other: str) -> float:
    """Return a factor in 0.6..1.4 on the prior of a name, since a confused name is often a similar one."""
    return 0.6 + 0.8 * measure_similarity(name, other)


def _collect_names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in ("self", "cls")


def _is_assignable(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(value=value) | ast.Attribute(value=value):
            return isinstance(value, ast.Name | ast.Attribute | ast.Subscript)
    return False


def _is_pointless(site: Site, name: str) -> bool:
    """Return whether `name` would be combined with itself, as in `x = x` or `x < x`."""
    match site.parent:
        case ast.Assign(targets=[ast.Name(id=other)]) if site.field == "value":
            return other == name
        case ast.Assign(value=ast.Name(id=other)) if site.field == "targets":
            return other == name
        case ast.Compare(left=left, comparators=[right]):
            beside = right if left is site.node else left
            return isinstance(beside, ast.Name) and beside.id == name
        case ast.BinOp(left=left, op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
            beside = right if left is site.node else left
            return isinstance(beside, ast.Name) and beside.id == name
    return False


TEMPLATES = (
    variable,
    variable_for_constant,
    attribute,
    misspelling,
    self_prefix,
    ingredient,
    variable_for_expression,
    added_term,
    indexed_element,
)
