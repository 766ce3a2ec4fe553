"""Templates for control flow: the wrong result, the wrong way out, or a branch that is missing."""

import ast
from collections.abc import Iterator

from activities.localisation.regions import FunctionNode, Statement
from activities.localisation.source import Replacement
from activities.repair.site import Site, TemplateEdit, negated
from activities.repair.statement_edits import find_layout
from activities.repair.value_types import ValueType, affinity


def result(site: Site) -> Iterator[TemplateEdit]:
    """Another result."""
    match site.node:
        case ast.Return(value=value):
            own = "" if value is None else site.text(value)
            wanted = site.kind(value)
            options: dict[str, float] = {}
            for name in site.names:
                if name not in ("self", "cls"):
                    options[name] = 0.5 * affinity(wanted, site.scope.kinds.of_name(name))
            for text in site.scope.returned:
                options.setdefault(text, 0.4)
            for text in ("True", "False", "None", "[]", "0"):
                options.setdefault(text, 0.45 if wanted is ValueType.BOOL and text in ("True", "False") else 0.25)
            if wanted is ValueType.BOOL:
                options[negated(own)] = 0.5
            options["self"] = 0.3 if "self" in site.names else 0.0
            for text, prior in options.items():
                if text != own and prior:
                    yield site.rewrite(f"return {text}", prior)
            if value is not None and not isinstance(value, ast.Tuple):
                for name in site.names[:5]:
                    if name not in (own, "self", "cls"):
                        yield site.rewrite(f"return {own} or {name}", 0.15)


def way_out(site: Site) -> Iterator[TemplateEdit]:
    """`return` for `yield`, `break` for `continue`, a result kept or handed on."""
    match site.node:
        case ast.Return(value=ast.expr() as value):
            text = site.text(value)
            yield site.rewrite(f"yield {text}", 0.25)
            yield site.rewrite(f"yield from {text}", 0.35 if site.scope.yields else 0.15)
            yield site.rewrite(f"raise {text}", 0.3 if _is_exception(value) else 0.0)
            if site.statement.loop is not None:
                yield site.rewrite("continue", 0.3)
                yield site.rewrite("break", 0.3)
        case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
            yield site.rewrite(f"yield from {site.text(value)}", 0.8)
            yield site.rewrite(f"return {site.text(value)}", 0.4)
        case ast.Expr(value=ast.YieldFrom(value=value)):
            yield site.rewrite(f"yield {site.text(value)}", 0.7)
            yield site.rewrite(f"return {site.text(value)}", 0.3)
        case ast.Expr(value=ast.Call() as value):
            text, last = site.text(value), _is_last(site)
            recursive = site.statement.function is not None and _calls(value, site.statement.function)
            yield site.rewrite(f"return {text}", 0.7 if recursive else 0.45 if last else 0.25)
            if site.scope.yields:
                yield site.rewrite(f"yield from {text}", 0.9 if recursive else 0.5)
                yield site.rewrite(f"yield {text}", 0.3)
            if _is_exception(value):
                yield site.rewrite(f"raise {text}", 0.9)
        case ast.Raise(exc=ast.expr() as raised):
            yield site.rewrite(f"return {site.text(raised)}", 0.15)
            yield site.rewrite("return None", 0.3)
            yield from _other_exception(site, raised)
        case ast.Break():
            yield site.rewrite("continue", 0.7)
            yield from _returns(site, 0.3)
        case ast.Continue():
            yield site.rewrite("break", 0.7)
            yield site.rewrite("pass", 0.4)
            yield from _returns(site, 0.3)
        case ast.Pass():
            for text in ("continue", "break", "return None", "raise"):
                yield site.rewrite(text, 0.4)
            yield from _returns(site, 0.4)
        case ast.Assign(targets=[ast.Name()], value=value) if _is_last(site):
            yield site.rewrite(f"return {site.text(value)}", 0.4)


def missing_exit(site: Site) -> Iterator[TemplateEdit]:
    """A `return`, `break` or `continue` that is missing at the end of a block."""
    if site.node is not site.statement.node or not _is_last(site) or _leaves(site.statement.node):
        return
    place = find_layout(site.scope.source, site.statement)
    if not place.alone or _is_chained(site.statement) or site.node is site.scope.region.node:
        return
    if site.statement.loop is not None and isinstance(site.statement.parent, ast.If | ast.Try | ast.With):
        yield TemplateEdit((place.after("break"),), 0.5)
        yield TemplateEdit((place.after("continue"),), 0.45)
    function = site.statement.function
    if function is None or isinstance(site.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    at_end = site.statement.parent is function
    mute = not any(isinstance(node, ast.Return) and node.value for node in ast.walk(function))
    prior = (0.75 if mute else 0.45) if at_end else 0.35
    bound = [node.id for node in ast.walk(site.node) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    names = [name for name in dict.fromkeys([*bound, *site.names]) if name != "cls"]
    values = dict.fromkeys([*names[:8], *site.scope.returned, "True", "False"])
    for index, value in enumerate(values):
        if not site.scope.yields:
            yield TemplateEdit((place.after(f"return {value}"),), prior * (1.0 if index < 3 else 0.8))
    yield TemplateEdit((place.after("return"),), 0.25)


def header(site: Site) -> Iterator[TemplateEdit]:
    """`while` for `if`, `elif` for `if`, or the other way round."""
    source = site.scope.source
    if not isinstance(site.node, ast.If | ast.While):
        return
    start, _ = source.span(site.node)
    word = "while" if isinstance(site.node, ast.While) else "elif" if _is_chained(site.statement) else "if"
    if not source.text.startswith(word, start):
        return
    span = start, start + len(word)
    if word == "if":
        if not site.node.orelse:
            yield TemplateEdit((Replacement(*span, "while"),), 0.5)
        before = site.statement.index and site.statement.block[site.statement.index - 1]
        if isinstance(before, ast.If) and before.col_offset == site.node.col_offset:
            yield TemplateEdit((Replacement(*span, "elif"),), 0.5)
    elif word == "while" and not site.node.orelse:
        yield TemplateEdit((Replacement(*span, "if"),), 0.45)
    elif word == "elif":
        yield TemplateEdit((Replacement(*span, "if"),), 0.5)


def alternative(site: Site) -> Iterator[TemplateEdit]:
    """An `else` that is missing or too much, and branches the other way round."""
    match site.node:
        case ast.If(body=body, orelse=[]):
            own = site.statement
            rest = own.block[own.index + 1 :]
            place = find_layout(site.scope.source, own)
            if rest and place.alone:
                first = _sibling(own, rest[0])
                following = find_layout(site.scope.source, first)
                if following.movable and not isinstance(first.node, ast.FunctionDef | ast.ClassDef):
                    lines = [f"{place.indent}else:", *following.lines(place.deeper())]
                    yield TemplateEdit((following.become(lines),), 0.35)
            if place.alone and isinstance(own.parent, ast.For | ast.While | ast.AsyncFor):
                yield TemplateEdit((place.after("else:", "\tbreak"),), 0.35)
                yield TemplateEdit((place.after("else:", "\tcontinue"),), 0.15)
            if place.alone and own.function is not None and not site.scope.yields:
                for value in [*site.scope.returned, "None", "False", "True"][:6]:
                    yield TemplateEdit((place.after("else:", f"\treturn {value}"),), 0.25)
        case ast.If(body=body, orelse=[*orelse]) if orelse and not isinstance(orelse[0], ast.If):
            yield from _exchanged(site, body, orelse)
            yield from _without_else(site, orelse)
        case ast.For(body=body, orelse=[*orelse]) | ast.While(body=body, orelse=[*orelse]) if orelse:
            yield from _without_else(site, orelse)


def _exchanged(site: Site, body: list[ast.stmt], orelse: list[ast.stmt]) -> Iterator[TemplateEdit]:
    source = site.scope.source
    first = source.span_of_lines(body[0].lineno, body[-1].end_lineno or body[-1].lineno)
    second = source.span_of_lines(orelse[0].lineno, orelse[-1].end_lineno or orelse[-1].lineno)
    if first[1] < second[0] and source.text[second[0] : second[1]].endswith("\n"):
        texts = source.text[slice(*first)], source.text[slice(*second)]
        yield TemplateEdit((Replacement(*first, texts[1]), Replacement(*second, texts[0])), 0.4)


def _without_else(site: Site, orelse: list[ast.stmt]) -> Iterator[TemplateEdit]:
    """What stands under `else` behind the statement instead."""
    source = site.scope.source
    place = find_layout(source, site.statement)
    layouts = [find_layout(source, _sibling(site.statement, node, orelse)) for node in orelse]
    if not place.alone or not all(one.movable for one in layouts):
        return
    lines = [line for one in layouts for line in one.lines(place.indent)]
    first = orelse[0].lineno
    head = first - 1
    while head > site.statement.first_line and not _line(site, head).startswith("else"):
        head -= 1
    if head > site.statement.first_line:
        start, end = source.span_of_lines(head, site.statement.last_line)
        yield TemplateEdit((Replacement(start, end, "".join(line + source.newline for line in lines)),), 0.35)


def _line(site: Site, number: int) -> str:
    start, end = site.scope.source.span_of_lines(number, number)
    return site.scope.source.text[start:end].strip()


def _sibling(own: Statement, node: ast.stmt, block: list[ast.stmt] | None = None) -> Statement:
    return Statement(node, block if block is not None else own.block, own.parent, own.function, own.loop)


def _returns(site: Site, prior: float) -> Iterator[TemplateEdit]:
    if site.statement.function is None or site.scope.yields:
        return
    for value in dict.fromkeys([*site.scope.returned, *site.names[:4], "None", "True", "False"]):
        yield site.rewrite(f"return {value}", prior)


def _other_exception(site: Site, raised: ast.expr) -> Iterator[TemplateEdit]:
    match raised:
        case ast.Call(func=ast.Name(id=name) as function) | (ast.Name(id=name) as function):
            known = [
                node.id
                for node in ast.walk(site.scope.source.tree)
                if isinstance(node, ast.Name) and node.id.endswith(("Error", "Exception", "Iteration"))
            ]
            usual = ["ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "AttributeError"]
            for other in dict.fromkeys([*known, *usual, "NotImplementedError", "StopIteration"]):
                if other != name:
                    yield site.replace(other, 0.5, function)


def _is_exception(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id=name)) | ast.Name(id=name):
            return name.endswith(("Error", "Exception")) or name == "StopIteration"
    return False


def _calls(call: ast.Call, function: FunctionNode) -> bool:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == function.name
    return False


def _is_last(site: Site) -> bool:
    return site.statement.index == len(site.statement.block) - 1


def _leaves(node: ast.stmt) -> bool:
    return isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue)


def _is_chained(statement: Statement) -> bool:
    parent = statement.parent
    return isinstance(parent, ast.If) and isinstance(statement.node, ast.If) and parent.orelse == [statement.node]


TEMPLATES = (result, way_out, missing_exit, header, alternative)
