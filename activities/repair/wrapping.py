"""Templates for missing calls: a value is not converted or completed by a call around it."""

import ast
from collections.abc import Iterator

from activities.repair.site import Site, TemplateEdit, get_callee
from activities.repair.value_types import COLLECTIONS, SEQUENCES, ValueType

# Functions, and methods, tried on a value of a type even where the file does not use them.
_WRAPPERS = {
    ValueType.NUMBER: ("abs", "int", "float", "str", "round"),
    ValueType.TEXT: ("int", "float", "list", "len", "set", "str"),
    ValueType.LIST: ("len", "sorted", "reversed", "set", "list", "tuple", "sum"),
    ValueType.TUPLE: ("len", "list", "sorted", "set"),
    ValueType.ITERABLE: ("list", "sorted", "set", "reversed", "len"),
    ValueType.SET: ("list", "sorted", "len", "set"),
    ValueType.DICT: ("list", "sorted", "dict", "len"),
    ValueType.UNKNOWN: ("list", "sorted", "set", "str", "int", "len", "abs", "tuple"),
}
_METHODS = {
    ValueType.TEXT: ("strip", "lower", "split", "upper"),
    ValueType.LIST: ("copy",),
    ValueType.DICT: ("items", "values", "keys", "copy"),
    ValueType.SET: ("copy",),
}
# Functions that make a value of a type.
_MAKERS = {
    ValueType.LIST: ("list", "sorted"),
    ValueType.TUPLE: ("tuple",),
    ValueType.SET: ("set",),
    ValueType.TEXT: ("str",),
    ValueType.BOOL: ("bool",),
}
# Functions whose result can be read only once, and those whose result has no order.
_ONE_PASS = ("zip", "map", "filter", "reversed", "enumerate")
_UNORDERED = ("keys", "values", "items", "listdir", "glob", "iterdir", "union", "intersection", "difference")
# Methods of a text that look for something in it.
_TEXT_METHODS = ("split", "rsplit", "partition", "rpartition", "replace", "startswith", "endswith", "find", "rfind")
_WRAPPABLE_FIELDS = ("value", "args", "iter", "left", "right", "comparators", "elt", "elts", "values", "slice")


def wrap(site: Site) -> Iterator[TemplateEdit]:
    """Wrap an expression in a call of a function that the file uses or of a usual one."""
    if not is_wrappable(site) or not isinstance(site.node, ast.expr):
        return
    text, value_type = site.text_of(site.node), site.type_of(site.node)
    inner = get_callee(site.node) if isinstance(site.node, ast.Call) else ""
    outer = get_callee(site.parent) if isinstance(site.parent, ast.Call) else ""
    usual = _WRAPPERS.get(value_type, ())
    known = {*site.scope.globals, *usual}
    for name in site.scope.unary_functions[:12]:
        if name not in (inner, outer) and (name in known or name in site.variables):
            prior = 0.25 if name in usual or name in site.scope.globals else 0.1
            yield site.replace(f"{name}({text})", prior)
    for name in usual:
        if name not in (inner, outer) and name not in site.scope.unary_functions:
            yield site.replace(f"{name}({text})", 0.13)


def convert(site: Site) -> Iterator[TemplateEdit]:
    """Convert a value to the type that its place expects, or to one that is usual for such a value."""
    if not is_wrappable(site) or not isinstance(site.node, ast.expr):
        return
    text, actual, expected = site.text_of(site.node), site.type_of(site.node), _get_expected_type(site, site.node)
    if expected is not actual:
        for name in _list_conversions(actual, expected):
            yield site.replace(f"{name}({text})", 0.28 if actual is ValueType.UNKNOWN else 0.36)
    if is_passed_on(site) or site.field == "iter":
        match site.node:
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                if not isinstance(left, ast.Constant) and not isinstance(right, ast.Constant):
                    yield site.replace(f"abs({text})", 0.28)
            case ast.Call() if get_callee(site.node) in _ONE_PASS and site.field != "iter":
                yield site.replace(f"list({text})", 0.3)
            case _ if actual is ValueType.SET or (
                isinstance(site.node, ast.Call) and get_callee(site.node) in _UNORDERED
            ):
                yield site.replace(f"sorted({text})", 0.28)


def wrap_method(site: Site) -> Iterator[TemplateEdit]:
    """Call a method on an expression."""
    if not is_wrappable(site) or not isinstance(site.node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return
    usual = _METHODS.get(site.type_of(site.node), ())
    for name in dict.fromkeys([*usual, *site.scope.nullary_methods[:6]]):
        if not isinstance(site.node, ast.Call) or get_callee(site.node) != name:
            yield site.replace(f"{site.text_of(site.node)}.{name}()", 0.25 if name in usual else 0.12)


def normalise_text(site: Site) -> Iterator[TemplateEdit]:
    """Ignore the case of a text, or the blanks around it, where it is compared, searched or tested."""
    match site.node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()) | ast.Call():
            text, applied = site.text_of(site.node), _list_applied_methods(site.node)
            for name in _list_normalisers(site, site.node):
                if name not in applied:
                    yield site.replace(f"{text}.{name}()", 0.26)


def _list_normalisers(site: Site, node: ast.expr) -> tuple[str, ...]:
    match site.parent:
        case ast.Attribute(attr=name) if name in _TEXT_METHODS:
            return ("lower", "strip")
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()], comparators=[right]):
            other = right if node is left else left
            texts = other.elts if isinstance(other, ast.Tuple | ast.List | ast.Set) else [other]
            if all(isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value for text in texts):
                return ("lower", "strip")
        case ast.UnaryOp(op=ast.Not()) if site.type_of(node) is ValueType.TEXT:
            return ("strip",)
    return ("strip",) if site.is_condition and site.type_of(node) is ValueType.TEXT else ()


def _list_applied_methods(node: ast.expr) -> set[str]:
    """Return the names of the methods in a chain of calls such as `a.strip().lower()`."""
    names = set[str]()
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        names.add(node.func.attr)
        node = node.func.value
    return names


def _list_conversions(actual: ValueType, expected: ValueType) -> tuple[str, ...]:
    """Return the functions that turn a value of one type into one of another."""
    if expected is ValueType.NUMBER:
        if actual in (ValueType.TEXT, ValueType.UNKNOWN):
            return ("int", "len")
        return ("len", "sum") if actual in COLLECTIONS else ()
    if expected in COLLECTIONS and expected is not ValueType.TEXT:
        sources = {*COLLECTIONS, ValueType.UNKNOWN}
    else:
        sources = {ValueType.NUMBER, ValueType.UNKNOWN}
    return _MAKERS.get(expected, ()) if actual in sources else ()


def _get_expected_type(site: Site, node: ast.expr) -> ValueType:
    """Return the type that the place of a value asks for, as far as the code beside it tells."""
    match site.parent:
        case ast.Return() if site.statement.function is not None:
            function = site.statement.function
            results = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
            others = {site.type_of(value) for value in results if value is not None and value is not node}
            others -= {ValueType.UNKNOWN, ValueType.NONE}
            return others.pop() if len(others) == 1 else ValueType.UNKNOWN
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return site.type_of(right if node is left else left)
        case ast.AugAssign(target=target, op=ast.Add() | ast.Sub()):
            return site.type_of(target)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if not isinstance(op, ast.In | ast.NotIn):
            return site.type_of(right if node is left else left)
        case ast.Subscript(value=value) if site.type_of(value) in (ValueType.LIST, ValueType.TEXT, ValueType.TUPLE):
            return ValueType.NUMBER
        case ast.Call(func=ast.Attribute(attr="add")) if site.type_of(node) is ValueType.LIST:
            return ValueType.TUPLE  # a set cannot contain a list
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")) if _is_joined(site, name):
            return ValueType.TEXT
    return ValueType.UNKNOWN


def _is_joined(site: Site, name: str) -> bool:
    """Return whether the elements of a list are joined to a text."""
    for node in ast.walk(site.scope.region.node or site.scope.source.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[ast.Name(id=joined)]):
                if joined == name:
                    return True
    return False


def is_passed_on(site: Site) -> bool:
    """Return whether a value is assigned, returned, passed or put into a tuple or list."""
    if isinstance(site.parent, ast.Call):
        return site.field == "args"
    return isinstance(site.parent, ast.Return | ast.Assign | ast.keyword | ast.Tuple | ast.List)


def is_wrappable(site: Site) -> bool:
    """Return whether a call around the site's node may be a repair."""
    if isinstance(getattr(site.node, "ctx", None), ast.Store | ast.Del) or site.is_condition:
        return False
    if site.field not in _WRAPPABLE_FIELDS:
        return False
    if isinstance(site.parent, ast.Attribute | ast.Expr | ast.Starred):
        return False
    if isinstance(site.parent, ast.Subscript) and site.field == "value":
        return False
    match site.node:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.BinOp():
            return True
        case ast.Call():
            return site.type_of(site.node) in COLLECTIONS | SEQUENCES | {ValueType.UNKNOWN, ValueType.NUMBER}
    return False


TEMPLATES = (convert, normalise_text, wrap, wrap_method)
