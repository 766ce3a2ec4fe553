"""Templates for values: the wrong constant, the wrong start, or state that is shared or not kept."""

import ast
from collections.abc import Iterator

from activities.localisation.regions import Statement, is_docstring
from activities.localisation.vocabulary import measure_similarity
from activities.repair.site import Site, TemplateEdit, callee
from activities.repair.statement_edits import find_layout
from activities.repair.value_types import COLLECTIONS, ValueType

_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def constant(site: Site) -> Iterator[TemplateEdit]:
    """Another constant of the same sort, or the start that another sort of value needs."""
    starts = isinstance(site.parent, ast.Assign | ast.AnnAssign)
    match site.node:
        case ast.Constant(value=bool() as value):
            yield site.replace(str(not value), 0.8)
            yield site.replace("None", 0.2)
        case ast.Constant(value=int(number)):
            prior = 0.6 if starts else 0.4
            for near in (number + 1, number - 1):
                yield site.replace(str(near), prior)
            for far in (0, 1, -1, -number, 2 * number, 10 * number, number // 10):
                yield site.replace(str(far), prior * 0.5)
            if starts:
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
        case ast.Constant(value=str(text)) if starts and not text:
            for other in ("None", "[]", "' '"):
                yield site.replace(other, 0.3)


def collection(site: Site) -> Iterator[TemplateEdit]:
    """A collection that begins with an element, or is of another type."""
    match site.node:
        case ast.List(elts=[]):
            for text, prior in (("[[]]", 0.6), ("[0]", 0.4), ("[1]", 0.35), ("[None]", 0.2), ("['']", 0.2)):
                yield site.replace(text, prior)
            for text, prior in (("set()", 0.3), ("{}", 0.25), ("None", 0.3), ("0", 0.15), ("''", 0.15)):
                yield site.replace(text, prior)
            for name in site.names[:6]:
                yield site.replace(f"[{name}]", 0.4)
        case ast.List(elts=[element]):
            yield site.replace("[]", 0.5)
            yield site.replace(site.text(element), 0.3)
            yield site.replace(f"[{site.text(site.node)}]", 0.2)
        case ast.List(elts=elements):
            for index in (0, len(elements) - 1):
                rest = [site.text(one) for place, one in enumerate(elements) if place != index]
                yield site.replace(f"[{', '.join(rest)}]", 0.25)
        case ast.Dict(keys=[]):
            yield site.replace("set()", 0.35)
            yield site.replace("None", 0.25)
        case ast.Call(func=ast.Name(id="set"), args=[]):
            for name in site.names[:6]:
                yield site.replace(f"{{{name}}}", 0.35)
            yield site.replace("[]", 0.2)
        case ast.Call(func=ast.Name(id="list" | "dict"), args=[]):
            yield site.replace("set()", 0.3)


def start(site: Site) -> Iterator[TemplateEdit]:
    """A variable that begins with a value in scope."""
    match site.node, site.parent:
        case (
            (ast.Constant() | ast.List() | ast.Dict() | ast.Call()),
            ast.Assign(targets=[ast.Name(id=target)]),
        ):
            if isinstance(site.node, ast.Call) and callee(site.node) != "float":
                return
            for name in site.names:
                if name == target or name in ("self", "cls"):
                    continue
                yield site.replace(name, 0.4)
                if site.scope.kinds.of_name(name) in (*COLLECTIONS, ValueType.UNKNOWN):
                    yield site.replace(f"{name}[0]", 0.4)
                    yield site.replace(f"len({name})", 0.3)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))]), _:
            opposite = text[1:] if text.startswith("-") else f"-{text}"
            yield site.replace(f"float({opposite!r})", 0.7)
            yield site.replace("0", 0.5)
        case ast.UnaryOp(op=ast.USub(), operand=operand), _:
            yield site.replace(site.text(operand), 0.5)


def update(site: Site) -> Iterator[TemplateEdit]:
    """`+=` for `=`, and the other way round."""
    match site.node:
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target], value=value):
            head, tail = site.text(target), site.text(value)
            yield site.rewrite(f"{head} += {tail}", 0.6)
            yield site.rewrite(f"{head} -= {tail}", 0.3)
            yield site.rewrite(f"{head} *= {tail}", 0.2)
            for name in ("min", "max"):
                if site.kind(value) in (ValueType.NUMBER, ValueType.UNKNOWN):
                    yield site.rewrite(f"{head} = {name}({head}, {tail})", 0.35)
        case ast.AugAssign(target=target, value=value):
            yield site.rewrite(f"{site.text(target)} = {site.text(value)}", 0.6)


def word(site: Site) -> Iterator[TemplateEdit]:
    """A string that is written differently elsewhere."""
    match site.node:
        case ast.Constant(value=str(text)) if 0 < len(text) <= 40:
            for other, alike in site.scope.vocabulary.find_similar(text):
                yield site.replace(repr(other), 0.6 * alike)
            options = {other: _nearness(text, other) for other in site.scope.words if other != text}
            for other, near in sorted(options.items(), key=lambda option: -option[1])[:12]:
                yield site.replace(repr(other), near)
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


def alias(site: Site) -> Iterator[TemplateEdit]:
    """A copy for the object itself."""
    if not isinstance(site.node, ast.Name | ast.Attribute | ast.Subscript):
        return
    if site.slot not in ("value", "args", "iter", "elts", "values") or not isinstance(site.node.ctx, ast.Load):
        return
    if isinstance(site.parent, ast.Attribute | ast.Subscript | ast.Expr | ast.AugAssign):
        return
    text, kind = site.text(site.node), site.kind(site.node)
    if kind in (ValueType.NUMBER, ValueType.TEXT, ValueType.BOOL, ValueType.CALLABLE, ValueType.NONE):
        return
    sure = 1.0 if kind in COLLECTIONS else 0.6
    if kind is not ValueType.DICT and kind is not ValueType.SET:
        yield site.replace(f"{text}[:]", 0.45 * sure)
        yield site.replace(f"list({text})", 0.4 * sure)
    if kind is not ValueType.LIST:
        yield site.replace(f"dict({text})", 0.3 * sure)
    yield site.replace(f"{text}.copy()", 0.4 * sure)
    if "copy" in site.scope.globals:
        yield site.replace(f"copy.deepcopy({text})", 0.45)
        yield site.replace(f"copy.copy({text})", 0.35)
    elif "deepcopy" in site.scope.globals:
        yield site.replace(f"deepcopy({text})", 0.45)


def repeated(site: Site) -> Iterator[TemplateEdit]:
    """A new element in each place, for the same one in all."""
    match site.node:
        case ast.BinOp(left=ast.List(elts=[ast.expr() as element]), op=ast.Mult(), right=count):
            nested = isinstance(element, _MUTABLE) or (
                isinstance(element, ast.BinOp) and isinstance(element.left, ast.List)
            )
            made = f"[{site.text(element)} for _ in range({site.text(count)})]"
            yield site.replace(made, 0.95 if nested or isinstance(element, ast.Call) else 0.1)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[keys, value]):
            yield site.replace(f"{{key: {site.text(value)} for key in {site.text(keys)}}}", 0.9)


def mutable_default(site: Site) -> Iterator[TemplateEdit]:
    """A new object at each call, for one default that all calls share."""
    function = site.statement.function
    if site.slot != "defaults" or function is None or not isinstance(site.node, ast.expr):
        return
    if not isinstance(site.node, _MUTABLE) and not isinstance(site.node, ast.Call):
        return
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    given = dict(zip(reversed(arguments.defaults), reversed(named), strict=False))
    parameter = given.get(site.node)
    body = [one for one in site.scope.region.statements if one.parent is function and one.node in function.body]
    if parameter is None or not body:
        return
    first = find_layout(site.scope.source, body[0])
    if first.alone:
        guard = first.before(f"if {parameter.arg} is None:", f"\t{parameter.arg} = {site.text(site.node)}")
        yield TemplateEdit((site.scope.source.replace(site.node, "None"), guard), 1.0)


def shared(site: Site) -> Iterator[TemplateEdit]:
    """A new object for each instance, for one that the class holds for all."""
    owner = site.scope.region.node
    match site.node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            if not isinstance(owner, ast.ClassDef) or not isinstance(value, (*_MUTABLE, ast.Call)):
                return
            place = find_layout(site.scope.source, site.statement)
            for made in owner.body:
                if isinstance(made, ast.FunctionDef) and made.name == "__init__" and place.alone:
                    body = [node for node in made.body if not is_docstring(node)] or made.body
                    first = find_layout(site.scope.source, Statement(body[0], made.body, made, made, None))
                    if first.alone:
                        yield TemplateEdit((place.remove(), first.before(f"self.{name} = {site.text(value)}")), 0.8)


def declared(site: Site) -> Iterator[TemplateEdit]:
    """A name that belongs to an enclosing function or to the module."""
    function = site.statement.function
    if function is None or site.statement.parent is not function or site.node is not site.statement.node:
        return
    if site.statement.node not in function.body[:2] or site.statement.first_line < function.lineno:
        return
    place = find_layout(site.scope.source, site.statement)
    if not place.alone or isinstance(site.node, ast.Global | ast.Nonlocal):
        return
    assigned = {
        node.id: None for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    outer = site.scope.source.parent(function)
    for name in assigned:
        if name in site.scope.constants:
            yield TemplateEdit((place.before(f"global {name}"),), 0.6)
        elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and name in site.names:
            yield TemplateEdit((place.before(f"nonlocal {name}"),), 0.7)


def _nearness(text: str, other: str) -> float:
    return 0.2 + 0.5 * measure_similarity(text.lower(), other.lower())


TEMPLATES = (
    constant,
    collection,
    start,
    update,
    word,
    alias,
    repeated,
    mutable_default,
    shared,
    declared,
)
