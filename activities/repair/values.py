"""Templates for values: a wrong constant, a wrong initial value, or state that is shared or lost."""

import ast
from collections.abc import Iterator

from activities.localisation.regions import FunctionNode, Statement, is_docstring
from activities.localisation.vocabulary import measure_similarity
from activities.repair.scope import list_assigned_names
from activities.repair.site import Site, TemplateEdit, get_callee
from activities.repair.statement_edits import get_editor
from activities.repair.value_types import COLLECTIONS, ValueType

_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def constant(site: Site) -> Iterator[TemplateEdit]:
    """Replace a constant by another of its type, or by the initial value of another type."""
    is_initial = isinstance(site.parent, ast.Assign | ast.AnnAssign)
    match site.node:
        case ast.Constant(value=bool() as value):
            yield site.replace(str(not value), 0.8)
            yield site.replace("None", 0.2)
        case ast.Constant(value=int(number)):
            prior = 0.6 if is_initial else 0.4
            for near in (number + 1, number - 1):
                yield site.replace(str(near), prior)
            # Common constants, a wrong sign and a wrong power of ten.
            for far in (0, 1, -1, -number, 2 * number, 10 * number, number // 10):
                yield site.replace(str(far), prior * 0.5)
            if is_initial:
                for text in ("float('inf')", "float('-inf')", "None", "[]", "''"):
                    yield site.replace(text, 0.3)
        case ast.Constant(value=float(number)):
            for text in (repr(-number), "0.0", "1.0", "0.5", "2.0"):
                yield site.replace(text, 0.3)
            if number:
                yield site.replace(repr(1 / number), 0.3)
        case ast.Constant(value=None):
            for text in ("0", "[]", "''", "False", "True", "{}", "1"):
                yield site.replace(text, 0.35)
        case ast.Constant(value=str(text)) if is_initial and not text:
            for other in ("None", "[]", "' '"):
                yield site.replace(other, 0.3)


def collection_literal(site: Site) -> Iterator[TemplateEdit]:
    """Replace a collection literal by one with other elements or of another type."""
    match site.node:
        case ast.List(elts=[]):
            for text, prior in (("[[]]", 0.6), ("[0]", 0.4), ("[1]", 0.35), ("[None]", 0.2), ("['']", 0.2)):
                yield site.replace(text, prior)
            for text, prior in (("set()", 0.3), ("{}", 0.25), ("None", 0.3), ("0", 0.15), ("''", 0.15)):
                yield site.replace(text, prior)
            for name in site.variables[:6]:
                yield site.replace(f"[{name}]", 0.4)
        case ast.List(elts=[element]):
            yield site.replace("[]", 0.5)
            yield site.replace(site.text_of(element), 0.3)
            yield site.replace(f"[{site.text_of(site.node)}]", 0.2)
        case ast.List(elts=elements):
            for index in (0, len(elements) - 1):
                rest = [site.text_of(element) for place, element in enumerate(elements) if place != index]
                yield site.replace(f"[{', '.join(rest)}]", 0.25)
        case ast.Dict(keys=[]):
            yield site.replace("set()", 0.35)
            yield site.replace("None", 0.25)
        case ast.Call(func=ast.Name(id="set"), args=[]):
            for name in site.variables[:6]:
                yield site.replace(f"{{{name}}}", 0.35)
            yield site.replace("[]", 0.2)
        case ast.Call(func=ast.Name(id="list" | "dict"), args=[]):
            yield site.replace("set()", 0.3)


def initial_value(site: Site) -> Iterator[TemplateEdit]:
    """Replace an initial value by a variable, its first element or its length, or by the opposite infinity."""
    match site.node, site.parent:
        case (
            (ast.Constant() | ast.List() | ast.Dict() | ast.Call()),
            ast.Assign(targets=[ast.Name(id=target)]),
        ):
            if isinstance(site.node, ast.Call) and get_callee(site.node) != "float":
                return
            for name in site.variables:
                if name == target or name in ("self", "cls"):
                    continue
                yield site.replace(name, 0.4)
                if site.type_of_name(name) in (*COLLECTIONS, ValueType.UNKNOWN):
                    yield site.replace(f"{name}[0]", 0.4)
                    yield site.replace(f"len({name})", 0.3)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))]), _:
            opposite = text[1:] if text.startswith("-") else f"-{text}"
            yield site.replace(f"float({opposite!r})", 0.7)
            yield site.replace("0", 0.5)
        case ast.UnaryOp(op=ast.USub(), operand=operand), _:
            yield site.replace(site.text_of(operand), 0.5)


def augmented_assignment(site: Site) -> Iterator[TemplateEdit]:
    """Replace `=` by an augmented assignment, and the reverse."""
    match site.node:
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target], value=value):
            head, tail = site.text_of(target), site.text_of(value)
            yield site.replace_statement(f"{head} += {tail}", 0.6)
            yield site.replace_statement(f"{head} -= {tail}", 0.3)
            yield site.replace_statement(f"{head} *= {tail}", 0.2)
            for name in ("min", "max"):
                if site.type_of(value) in (ValueType.NUMBER, ValueType.UNKNOWN):
                    yield site.replace_statement(f"{head} = {name}({head}, {tail})", 0.35)
        case ast.AugAssign(target=target, value=value):
            yield site.replace_statement(f"{site.text_of(target)} = {site.text_of(value)}", 0.6)


def string_constant(site: Site) -> Iterator[TemplateEdit]:
    """Replace a string by a similar one of the repository, or by another case, part or punctuation of it."""
    match site.node:
        case ast.Constant(value=str(text)) if 0 < len(text) <= 40:
            for other, similarity in site.scope.vocabulary.find_similar(text):
                yield site.replace(repr(other), 0.6 * similarity)
            priors = {
                other: 0.2 + 0.5 * measure_similarity(text.lower(), other.lower())
                for other in site.scope.strings
                if other != text
            }
            for other, prior in sorted(priors.items(), key=lambda option: -option[1])[:12]:
                yield site.replace(repr(other), prior)
            for other in (
                text.lower(),
                text.upper(),
                text.capitalize(),
                text.strip(),
                text.replace("_", "-"),
            ):
                if other != text:
                    yield site.replace(repr(other), 0.25)
            if len(text) > 1:
                yield site.replace(repr(""), 0.1)
                yield site.replace(repr(text[1:]), 0.1)
                yield site.replace(repr(text[:-1]), 0.1)
            else:
                yield site.replace(repr(""), 0.3)
                yield site.replace(repr(" "), 0.15)


def defensive_copy(site: Site) -> Iterator[TemplateEdit]:
    """Replace an object by a copy of it."""
    if not isinstance(site.node, ast.Name | ast.Attribute | ast.Subscript):
        return
    if site.field not in ("value", "args", "iter", "elts", "values") or not isinstance(site.node.ctx, ast.Load):
        return
    if isinstance(site.parent, ast.Attribute | ast.Subscript | ast.Expr | ast.AugAssign):
        return
    text, value_type = site.text_of(site.node), site.type_of(site.node)
    if value_type in (ValueType.NUMBER, ValueType.TEXT, ValueType.BOOL, ValueType.CALLABLE, ValueType.NONE):
        return
    confidence = 1.0 if value_type in COLLECTIONS else 0.6
    if value_type is not ValueType.DICT and value_type is not ValueType.SET:
        yield site.replace(f"{text}[:]", 0.45 * confidence)
        yield site.replace(f"list({text})", 0.4 * confidence)
    if value_type is not ValueType.LIST:
        yield site.replace(f"dict({text})", 0.3 * confidence)
    yield site.replace(f"{text}.copy()", 0.4 * confidence)
    if "copy" in site.scope.globals:
        yield site.replace(f"copy.deepcopy({text})", 0.45)
        yield site.replace(f"copy.copy({text})", 0.35)
    elif "deepcopy" in site.scope.globals:
        yield site.replace(f"deepcopy({text})", 0.45)


def independent_elements(site: Site) -> Iterator[TemplateEdit]:
    """Replace a repeated element by a new one in each place."""
    match site.node:
        case ast.BinOp(left=ast.List(elts=[ast.expr() as element]), op=ast.Mult(), right=count):
            nested = isinstance(element, _MUTABLE) or (
                isinstance(element, ast.BinOp) and isinstance(element.left, ast.List)
            )
            comprehension = f"[{site.text_of(element)} for _ in range({site.text_of(count)})]"
            yield site.replace(comprehension, 0.95 if nested or isinstance(element, ast.Call) else 0.1)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[keys, value]):
            yield site.replace(f"{{key: {site.text_of(value)} for key in {site.text_of(keys)}}}", 0.9)


def mutable_default(site: Site) -> Iterator[TemplateEdit]:
    """Replace a mutable default, which all calls share, by a new object at each call."""
    function = site.statement.function
    if site.field != "defaults" or function is None or not isinstance(site.node, ast.expr):
        return
    if not isinstance(site.node, _MUTABLE) and not isinstance(site.node, ast.Call):
        return
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    parameter = dict(zip(reversed(arguments.defaults), reversed(positional), strict=False)).get(site.node)
    statements = site.scope.region.statements
    body = [statement for statement in statements if statement.parent is function and statement.node in function.body]
    if parameter is None or not body:
        return
    first = get_editor(site.scope.source, body[0])
    if first.has_own_lines:
        guard = first.insert_before(f"if {parameter.arg} is None:", f"\t{parameter.arg} = {site.text_of(site.node)}")
        yield TemplateEdit((site.scope.source.replace(site.node, "None"), guard), 1.0)


def instance_attribute(site: Site) -> Iterator[TemplateEdit]:
    """Move a mutable class attribute, which all instances share, into the constructor."""
    owner = site.scope.region.node
    match site.node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            if not isinstance(owner, ast.ClassDef) or not isinstance(value, (*_MUTABLE, ast.Call)):
                return
            for method in owner.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__" and site.editor.has_own_lines:
                    body = [node for node in method.body if not is_docstring(node)] or method.body
                    first = get_editor(site.scope.source, Statement(body[0], method.body, method, method, None))
                    if first.has_own_lines:
                        assignment = first.insert_before(f"self.{name} = {site.text_of(value)}")
                        yield TemplateEdit((site.editor.remove(), assignment), 0.8)


def scope_declaration(site: Site) -> Iterator[TemplateEdit]:
    """Declare an assigned name as `global` or `nonlocal`."""
    function = site.statement.function
    if function is None or site.statement.parent is not function or site.node is not site.statement.node:
        return
    # A declaration goes to the start of the body, possibly after a docstring.
    if site.statement.node not in function.body[:2] or site.statement.first_line < function.lineno:
        return
    editor = site.editor
    if not editor.has_own_lines or isinstance(site.node, ast.Global | ast.Nonlocal):
        return
    outer = site.scope.source.parent(function)
    for name in dict.fromkeys(list_assigned_names(function)):
        if name in site.scope.module_variables:
            yield TemplateEdit((editor.insert_before(f"global {name}"),), 0.6)
        elif isinstance(outer, FunctionNode) and name in site.variables:
            yield TemplateEdit((editor.insert_before(f"nonlocal {name}"),), 0.7)


TEMPLATES = (
    constant,
    collection_literal,
    initial_value,
    augmented_assignment,
    string_constant,
    defensive_copy,
    independent_elements,
    mutable_default,
    instance_attribute,
    scope_declaration,
)
