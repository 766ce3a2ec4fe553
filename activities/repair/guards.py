"""Templates for guards: a special case such as None, empty, zero or an exception is not handled."""

import ast
from collections.abc import Iterator

from activities.localisation.regions import FunctionNode
from activities.repair.guard_conditions import (
    is_self,
    list_comparisons,
    list_equalities,
    list_failure_conditions,
    list_known_conditions,
    list_missing_parameters,
    list_optional_parameters,
    list_part_comparisons,
    list_similar_conditions,
    list_type_tests,
)
from activities.repair.scope import BUILTINS
from activities.repair.site import Site, TemplateEdit, negate
from activities.repair.value_types import COLLECTIONS, ValueType

# The values tried as a default or an early result, by the type that is expected.
_DEFAULTS = {
    ValueType.NUMBER: ("0", "1", "-1"),
    ValueType.TEXT: ("''",),
    ValueType.LIST: ("[]",),
    ValueType.BOOL: ("False", "True"),
    ValueType.DICT: ("{}",),
    ValueType.SET: ("set()",),
    ValueType.TUPLE: ("()",),
}


_TYPE_NAMES = {ValueType.NUMBER: "int", ValueType.LIST: "list", ValueType.DICT: "dict", ValueType.TUPLE: "tuple"}


def early_exit(site: Site) -> Iterator[TemplateEdit]:
    """Insert a guard that leaves the function or the round of the loop before the statement."""
    if not _is_guardable(site):
        return
    editor, results = site.editor, _list_results(site)
    for condition, prior in list_failure_conditions(site):
        if site.statement.loop is not None:
            yield TemplateEdit((editor.insert_before(f"if {condition}:", "\tcontinue"),), prior * 0.8)
            yield TemplateEdit((editor.insert_before(f"if {condition}:", "\tbreak"),), prior * 0.5)
        for value, factor in results:
            guard = editor.insert_before(f"if {condition}:", f"\treturn {value}".rstrip())
            yield TemplateEdit((guard,), prior * factor)


def skipped_round(site: Site) -> Iterator[TemplateEdit]:
    """Leave the round of a loop when two variables that the statement reads are equal."""
    if site.statement.loop is not None and _is_guardable(site):
        for condition in list_equalities(site):
            yield TemplateEdit((site.editor.insert_before(f"if {condition}:", "\tcontinue"),), 0.26)


def guarded_statement(site: Site) -> Iterator[TemplateEdit]:
    """Run the statement under a condition only."""
    if not _is_guardable(site) or isinstance(site.node, ast.Return):
        return
    if not site.editor.can_reindent:
        return
    for condition, prior in list_failure_conditions(site):
        yield TemplateEdit((site.editor.wrap_in(f"if {negate(condition)}:"),), prior * 0.8)
    for text, prior in [*list_known_conditions(site), *list_comparisons(site)]:
        yield TemplateEdit((site.editor.wrap_in(f"if {text}:"),), prior * 0.8)


def base_case(site: Site) -> Iterator[TemplateEdit]:
    """Insert a base case at the start of the function."""
    if _is_first(site):
        results = _list_results(site)
        for name in site.scope.parameters:
            for condition in _list_argument_conditions(site, name):
                for value, factor in results:
                    guard = site.editor.insert_before(f"if {condition}:", f"\treturn {value}".rstrip())
                    yield TemplateEdit((guard,), 0.4 * factor)


def refused_argument(site: Site) -> Iterator[TemplateEdit]:
    """Raise an exception that a test waits for, when an argument is missing, empty, too small or of another type."""
    errors = _list_quoted_exceptions(site)
    if not errors or not _is_first(site):
        return
    optional = list_optional_parameters(site.scope.region)
    for name in (name for name in site.scope.parameters if name not in optional):
        type_name = _TYPE_NAMES.get(site.type_of_name(name), "str")
        for condition in (*_list_argument_conditions(site, name), f"not isinstance({name}, {type_name})"):
            for error in errors:
                guard = site.editor.insert_before(f"if {condition}:", f'\traise {error}(f"{{{name}=}}")')
                yield TemplateEdit((guard,), 0.8)


def _list_argument_conditions(site: Site, name: str) -> list[str]:
    value_type = site.type_of_name(name)
    conditions = [f"not {name}"]
    if value_type in (ValueType.NUMBER, ValueType.UNKNOWN):
        conditions += [f"{name} == 0", f"{name} <= 0", f"{name} < 0", f"{name} <= 1", f"{name} == 1"]
    if value_type is not ValueType.NUMBER:
        conditions.append(f"{name} is None")
    if value_type in COLLECTIONS:
        conditions.append(f"len({name}) <= 1")
    return conditions


def _is_first(site: Site) -> bool:
    """Return whether the site is the first statement of the function, which may follow a docstring."""
    function = site.statement.function
    if function is None or site.statement.parent is not function or site.node is function:
        return False
    if site.statement.index and not (site.statement.index == 1 and ast.get_docstring(function) is not None):
        return False
    return _is_guardable(site, definitions=True)


def missing_key(site: Site) -> Iterator[TemplateEdit]:
    """Insert a guard that gives a missing key an empty value before the statement reads it."""
    if not _is_guardable(site):
        return
    for node in ast.walk(site.node) if not hasattr(site.node, "body") else ():
        match node:
            case (
                ast.Attribute(value=ast.Subscript() as element, attr=use)
                | ast.Subscript(value=ast.Subscript(ctx=ast.Load()) as element, slice=use)
                | ast.AugAssign(target=ast.Subscript() as element, op=use)
            ) if not isinstance(element.slice, ast.Slice) and site.scope.can_resolve(element, site.variables):
                base, key = site.text_of(element.value), site.text_of(element.slice)
                for empty in _list_empty_values(use):
                    guard = site.editor.insert_before(f"if {key} not in {base}:", f"\t{base}[{key}] = {empty}")
                    yield TemplateEdit((guard,), 0.4 if site.type_of(element.value) is ValueType.DICT else 0.3)


def _list_empty_values(use: object) -> tuple[str, ...]:
    """Return the empty values that may be used by a method, an index or an operator."""
    match use:
        case "append" | "extend" | "insert":
            return ("[]",)
        case "add" | "discard":
            return ("set()",)
        case "update":
            return ("{}", "set()")
        case ast.Add() | ast.Sub():
            return ("0", "[]")
        case ast.expr():
            return ("{}",)
    return ()


def extended_condition(site: Site) -> Iterator[TemplateEdit]:
    """Add a conjunct or a disjunct to a condition."""
    if not site.is_condition or not isinstance(site.node, ast.expr) or isinstance(site.node, ast.Constant):
        return
    text, conjunct = _parenthesise(site, site.node)
    for condition, prior in list_failure_conditions(site, site.node):
        yield site.replace(f"{condition} or {text}", prior)
        yield site.replace(f"{negate(condition)} and {conjunct}", prior)
    for condition in list_part_comparisons(site):
        yield site.replace(f"{conjunct} and {condition}", 0.3)
    for condition, prior in [*list_known_conditions(site), *list_similar_conditions(site), *list_comparisons(site)]:
        if condition not in text:
            yield site.replace(f"{conjunct} and {condition}", prior)
            yield site.replace(f"{text} or {condition}", prior * 0.9)


def excluded_case(site: Site) -> Iterator[TemplateEdit]:
    """Restrict a condition by the negation of another, by a type or by a parameter that may be None."""
    if not site.is_condition or not isinstance(site.node, ast.expr) or isinstance(site.node, ast.Constant):
        return
    text, conjunct = _parenthesise(site, site.node)
    for condition in list_missing_parameters(site):
        yield site.replace(f"{condition} or {text}", 0.27)
        yield site.replace(f"{negate(condition)} and {conjunct}", 0.27)
    tests = list_type_tests(site)
    for condition, prior in tests:
        yield site.replace(f"{conjunct} and {condition}", prior)
        yield site.replace(f"{text} or {condition}", prior)
    for condition, prior in [*list_known_conditions(site), *list_similar_conditions(site), *tests]:
        if condition not in text:
            yield site.replace(f"{conjunct} and {negate(condition)}", prior * 0.92)


def _parenthesise(site: Site, node: ast.expr) -> tuple[str, str]:
    """Return the text of a condition as a disjunct and as a conjunct."""
    text = site.text_of(node)
    # `or` binds looser than `and`, and the others looser than both.
    if isinstance(node, ast.IfExp | ast.Lambda | ast.NamedExpr):
        return f"({text})", f"({text})"
    return text, f"({text})" if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) else text


def default_value(site: Site) -> Iterator[TemplateEdit]:
    """Give a default to a value that may be missing."""
    if site.field in ("func", "targets", "target") or not isinstance(site.node, ast.expr):
        return
    match site.node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if not isinstance(key, ast.Slice):
            if site.type_of(value) in (ValueType.DICT, ValueType.UNKNOWN, ValueType.OBJECT):
                head, index = site.text_of(value), site.text_of(key)
                confidence = 1.0 if site.type_of(value) is ValueType.DICT else 0.5
                yield site.replace(f"{head}.get({index})", 0.4 * confidence)
                for default in ("0", "[]", "''", index):
                    yield site.replace(f"{head}.get({index}, {default})", 0.35 * confidence)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key]):
            for default in ("0", "[]", "''", "{}", "False", "True"):
                yield site.replace(f"{site.text_of(value)}.get({site.text_of(key)}, {default})", 0.35)
        case ast.Attribute(value=ast.Name() as value) if not is_self(value) and site.field != "value":
            text = site.text_of(site.node)
            yield site.replace(f"{text} if {site.text_of(value)} is not None else None", 0.3)
            yield site.replace(f"{text} if {site.text_of(value)} else None", 0.2)
        case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod(), right=right):
            if not isinstance(right, ast.Constant):
                yield site.replace(f"{site.text_of(site.node)} if {site.text_of(right)} else 0", 0.4)
    if isinstance(site.node, ast.Name | ast.Call | ast.Attribute) and site.field in ("args", "value", "iter"):
        if isinstance(site.parent, ast.Attribute | ast.Subscript | ast.Expr | ast.Await):
            return
        value_type = site.type_of(site.node)
        for default in _DEFAULTS.get(value_type, ("[]", "0", "''", "{}")):
            yield site.replace(f"{site.text_of(site.node)} or {default}", 0.2 if site.field != "iter" else 0.3)


def missing_object(site: Site) -> Iterator[TemplateEdit]:
    """Call a method only of an object that is there, with an empty value otherwise."""
    if site.field not in ("args", "value", "elt", "elts", "values") or isinstance(site.parent, ast.Expr | ast.Await):
        return
    match site.node:
        case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Attribute() as owner)):
            if isinstance(site.parent, ast.Attribute) or is_self(owner) or not _is_variable(site, owner):
                return
            for default in _DEFAULTS.get(site.type_of(site.node), ("None",))[:1]:
                yield site.replace(f"{site.text_of(site.node)} if {site.text_of(owner)} else {default}", 0.27)


def _is_variable(site: Site, node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in site.variables)


def exception_handler(site: Site) -> Iterator[TemplateEdit]:
    """Catch another exception, or one that the statement may raise."""
    if isinstance(site.statement.node, ast.Try) and site.node is site.statement.node:
        for handler in site.statement.node.handlers:
            if handler.type is not None:
                text = site.text_of(handler.type)
                for other in [*_list_related_exceptions(text), *_list_known_exceptions(site)]:
                    yield site.replace(other, 0.5, handler.type)
    if _is_guardable(site) and not isinstance(site.node, ast.Return):
        editor = site.editor
        if editor.can_reindent:
            for error in _list_expected_exceptions(site.node):
                inner = editor.get_inner_indent()
                head = [f"{editor.indent}try:", *editor.indent_lines(inner), f"{editor.indent}except {error}:"]
                for action in ("continue", "break") if site.statement.loop is not None else ("pass", "return None"):
                    yield TemplateEdit((editor.replace_with([*head, inner + action]),), 0.2)


def _list_results(site: Site) -> list[tuple[str, float]]:
    """Return the results that a guard may return, each with a factor on the prior."""
    if site.statement.function is None:
        return []
    if site.scope.is_generator:
        return [("", 0.8)]
    values = dict.fromkeys(site.scope.returned_values, 1.0)
    for name in site.scope.parameters:
        values.setdefault(name, 0.5)
    types = {site.type_of(node.value) for node in ast.walk(site.statement.function) if isinstance(node, ast.Return)}
    for value_type in ValueType:
        if value_type in types:
            for default in _DEFAULTS.get(value_type, ()):
                values.setdefault(default, 0.8)
    values.setdefault("None", 0.6)
    known = {*site.variables, "None", "True", "False"}
    return [(text, factor) for text, factor in values.items() if not text.isidentifier() or text in known][:8]


def _is_guardable(site: Site, *, definitions: bool = False) -> bool:
    """Return whether the site is a statement on its own lines, with an effect that a guard could prevent."""
    if site.node is not site.statement.node or not site.editor.has_own_lines:
        return False
    if isinstance(site.node, ast.Pass | ast.Break | ast.Continue | ast.Global | ast.Nonlocal | ast.ClassDef):
        return False
    if isinstance(site.node, FunctionNode):
        return definitions and site.node is not site.scope.region.node
    # Nothing can stand between `else` and the `if` of an `elif`.
    parent = site.statement.parent
    return not (isinstance(parent, ast.If) and site.node in parent.orelse and isinstance(site.node, ast.If))


_RELATED_EXCEPTIONS = (
    ("KeyError", "IndexError", "LookupError", "AttributeError"),
    ("ValueError", "TypeError", "AttributeError", "KeyError"),
    ("OSError", "FileNotFoundError", "PermissionError"),
    ("ZeroDivisionError", "ArithmeticError", "OverflowError"),
    ("ImportError", "ModuleNotFoundError"),
    ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError"),
)


def _list_related_exceptions(text: str) -> list[str]:
    """Return the exceptions that may be meant instead of `text`, or beside it."""
    if not text.isidentifier():
        return ["Exception"]
    groups = (group for group in _RELATED_EXCEPTIONS if text in group)
    others = list(dict.fromkeys(name for group in groups for name in group if name != text))
    others = others or ["ValueError", "TypeError", "KeyError", "AttributeError"]
    return [f"({text}, {other})" for other in others] + others + ["Exception"]


def _list_quoted_exceptions(site: Site) -> list[str]:
    known = {*site.scope.globals, *BUILTINS}
    quoted = sorted(site.scope.vocabulary.quoted_names & known)
    return [name for name in quoted if name.endswith(("Error", "Exception"))]


def _list_known_exceptions(site: Site) -> list[str]:
    return [name for name in site.scope.globals if name.endswith(("Error", "Exception"))]


def _list_expected_exceptions(node: ast.AST) -> list[str]:
    exceptions = []
    for inner in ast.walk(node):
        match inner:
            case ast.Subscript(slice=ast.Slice()):
                pass
            case ast.Subscript(ctx=ast.Load()):
                exceptions += ["KeyError", "IndexError"]
            case ast.Call(func=ast.Name(id="int" | "float")):
                exceptions += ["ValueError"]
            case ast.Call(func=ast.Name(id="next")):
                exceptions += ["StopIteration"]
            case ast.Call(func=ast.Attribute(attr="index" | "remove")):
                exceptions += ["ValueError"]
            case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod()):
                exceptions += ["ZeroDivisionError"]
    return list(dict.fromkeys(exceptions))


TEMPLATES = (
    early_exit,
    guarded_statement,
    skipped_round,
    base_case,
    refused_argument,
    missing_key,
    extended_condition,
    excluded_case,
    default_value,
    missing_object,
    exception_handler,
)
