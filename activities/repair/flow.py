"""Templates for control flow: the wrong result or exit, or a missing branch."""

import ast
from collections.abc import Iterator

from activities.localisation.regions import EXITS, FunctionNode, LoopNode, Statement
from activities.localisation.source import Replacement
from activities.repair.scope import list_assigned_names
from activities.repair.site import Site, TemplateEdit, get_callee, negate
from activities.repair.statement_edits import get_editor
from activities.repair.value_types import ValueType, score_compatibility


def returned_value(site: Site) -> Iterator[TemplateEdit]:
    """Return another value."""
    match site.node:
        case ast.Return(value=value):
            current = "" if value is None else site.text_of(value)
            expected = site.type_of(value)
            options: dict[str, float] = {}
            for name in site.variables:
                if name not in ("self", "cls"):
                    options[name] = 0.5 * score_compatibility(expected, site.type_of_name(name))
            for text in site.scope.returned_values:
                options.setdefault(text, 0.4)
            for text in ("True", "False", "None", "[]", "0"):
                options.setdefault(text, 0.45 if expected is ValueType.BOOL and text in ("True", "False") else 0.25)
            if expected is ValueType.BOOL:
                options[negate(current)] = 0.5
            options["self"] = 0.3 if "self" in site.variables else 0.0
            for text, prior in options.items():
                if text != current and prior:
                    yield site.replace_statement(f"return {text}", prior)
            if value is not None and not isinstance(value, ast.Tuple):
                for name in site.variables[:5]:
                    if name not in (current, "self", "cls"):
                        yield site.replace_statement(f"return {current} or {name}", 0.15)


def exit_statement(site: Site) -> Iterator[TemplateEdit]:
    """Replace an exit such as `return`, `yield`, `raise`, `break` or `continue` by another."""
    match site.node:
        case ast.Return(value=ast.expr() as value):
            text = site.text_of(value)
            yield site.replace_statement(f"yield {text}", 0.25)
            yield site.replace_statement(f"yield from {text}", 0.35 if site.scope.is_generator else 0.15)
            yield site.replace_statement(f"raise {text}", 0.3 if _is_exception(value) else 0.0)
            if site.statement.loop is not None:
                yield site.replace_statement("continue", 0.3)
                yield site.replace_statement("break", 0.3)
        case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
            yield site.replace_statement(f"yield from {site.text_of(value)}", 0.8)
            yield site.replace_statement(f"return {site.text_of(value)}", 0.4)
        case ast.Expr(value=ast.YieldFrom(value=value)):
            yield site.replace_statement(f"yield {site.text_of(value)}", 0.7)
            yield site.replace_statement(f"return {site.text_of(value)}", 0.3)
        case ast.Expr(value=ast.Call() as value):
            text, last = site.text_of(value), site.statement.is_last
            function = site.statement.function
            recursive = function is not None and get_callee(value) == function.name
            yield site.replace_statement(f"return {text}", 0.7 if recursive else 0.45 if last else 0.25)
            if site.scope.is_generator:
                yield site.replace_statement(f"yield from {text}", 0.9 if recursive else 0.5)
                yield site.replace_statement(f"yield {text}", 0.3)
            if _is_exception(value):
                yield site.replace_statement(f"raise {text}", 0.9)
        case ast.Raise(exc=ast.expr() as raised):
            yield site.replace_statement(f"return {site.text_of(raised)}", 0.15)
            yield site.replace_statement("return None", 0.3)
            yield from _replace_exception(site, raised)
        case ast.Break():
            yield site.replace_statement("continue", 0.7)
            yield from _replace_by_returns(site, 0.3)
        case ast.Continue():
            yield site.replace_statement("break", 0.7)
            yield site.replace_statement("pass", 0.4)
            yield from _replace_by_returns(site, 0.3)
        case ast.Pass():
            for text in ("continue", "break", "return None", "raise"):
                yield site.replace_statement(text, 0.4)
            yield from _replace_by_returns(site, 0.4)
        case ast.Assign(targets=[ast.Name()], value=value) if site.statement.is_last:
            yield site.replace_statement(f"return {site.text_of(value)}", 0.4)


def missing_exit(site: Site) -> Iterator[TemplateEdit]:
    """Insert a missing `return`, `break` or `continue` at the end of a block."""
    if site.node is not site.statement.node or not site.statement.is_last or isinstance(site.node, EXITS):
        return
    editor = site.editor
    if not editor.has_own_lines or site.statement.is_elif or site.node is site.scope.region.node:
        return
    if site.statement.loop is not None and isinstance(site.statement.parent, ast.If | ast.Try | ast.With):
        yield TemplateEdit((editor.insert_after("break"),), 0.5)
        yield TemplateEdit((editor.insert_after("continue"),), 0.45)
    function = site.statement.function
    if function is None or isinstance(site.node, FunctionNode):
        return
    at_end = site.statement.parent is function
    returns_nothing = not any(isinstance(node, ast.Return) and node.value for node in ast.walk(function))
    prior = (0.75 if returns_nothing else 0.45) if at_end else 0.35
    names = [name for name in dict.fromkeys([*list_assigned_names(site.node), *site.variables]) if name != "cls"]
    values = dict.fromkeys([*names[:8], *site.scope.returned_values, "True", "False"])
    for index, value in enumerate(values):
        if not site.scope.is_generator:
            # The names bound last are the likeliest results.
            yield TemplateEdit((editor.insert_after(f"return {value}"),), prior * (1.0 if index < 3 else 0.8))
    yield TemplateEdit((editor.insert_after("return"),), 0.25)


def block_keyword(site: Site) -> Iterator[TemplateEdit]:
    """Replace `if`, `elif` or `while` by another of them."""
    source = site.scope.source
    if not isinstance(site.node, ast.If | ast.While):
        return
    start, _ = source.span(site.node)
    word = "while" if isinstance(site.node, ast.While) else "elif" if site.statement.is_elif else "if"
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


def else_branch(site: Site) -> Iterator[TemplateEdit]:
    """Add or remove an `else`, or swap the branches."""
    match site.node:
        case ast.If(body=body, orelse=[]):
            statement, editor = site.statement, site.editor
            rest = statement.block[statement.index + 1 :]
            if rest and editor.has_own_lines:
                first = _make_sibling(statement, rest[0])
                following = get_editor(site.scope.source, first)
                if following.can_reindent and not isinstance(first.node, ast.FunctionDef | ast.ClassDef):
                    lines = [f"{editor.indent}else:", *following.indent_lines(editor.get_inner_indent())]
                    yield TemplateEdit((following.replace_with(lines),), 0.35)
            if editor.has_own_lines and isinstance(statement.parent, LoopNode):
                yield TemplateEdit((editor.insert_after("else:", "\tbreak"),), 0.35)
                yield TemplateEdit((editor.insert_after("else:", "\tcontinue"),), 0.15)
            if editor.has_own_lines and statement.function is not None and not site.scope.is_generator:
                for value in [*site.scope.returned_values, "None", "False", "True"][:6]:
                    yield TemplateEdit((editor.insert_after("else:", f"\treturn {value}"),), 0.25)
        case ast.If(body=body, orelse=[*orelse]) if orelse and not isinstance(orelse[0], ast.If):
            yield from _swap_branches(site, body, orelse)
            yield from _remove_else(site, orelse)
        case ast.For(body=body, orelse=[*orelse]) | ast.While(body=body, orelse=[*orelse]) if orelse:
            yield from _remove_else(site, orelse)


def _swap_branches(site: Site, body: list[ast.stmt], orelse: list[ast.stmt]) -> Iterator[TemplateEdit]:
    source = site.scope.source
    first = source.span_of_lines(body[0].lineno, body[-1].end_lineno or body[-1].lineno)
    second = source.span_of_lines(orelse[0].lineno, orelse[-1].end_lineno or orelse[-1].lineno)
    if first[1] < second[0] and source.text[second[0] : second[1]].endswith("\n"):
        texts = source.text[slice(*first)], source.text[slice(*second)]
        yield TemplateEdit((Replacement(*first, texts[1]), Replacement(*second, texts[0])), 0.4)


def _remove_else(site: Site, orelse: list[ast.stmt]) -> Iterator[TemplateEdit]:
    source = site.scope.source
    editor = site.editor
    editors = [get_editor(source, _make_sibling(site.statement, node, orelse)) for node in orelse]
    if not editor.has_own_lines or not all(inner.can_reindent for inner in editors):
        return
    lines = [line for inner in editors for line in inner.indent_lines(editor.indent)]
    first = orelse[0].lineno
    head = first - 1
    # The syntax tree has no position for `else`.
    while head > site.statement.first_line and not _get_line(site, head).startswith("else"):
        head -= 1
    if head > site.statement.first_line:
        start, end = source.span_of_lines(head, site.statement.last_line)
        yield TemplateEdit((Replacement(start, end, "".join(line + source.newline for line in lines)),), 0.35)


def _get_line(site: Site, number: int) -> str:
    start, end = site.scope.source.span_of_lines(number, number)
    return site.scope.source.text[start:end].strip()


def _make_sibling(statement: Statement, node: ast.stmt, block: list[ast.stmt] | None = None) -> Statement:
    return Statement(node, block or statement.block, statement.parent, statement.function, statement.loop)


def _replace_by_returns(site: Site, prior: float) -> Iterator[TemplateEdit]:
    if site.statement.function is None or site.scope.is_generator:
        return
    for value in dict.fromkeys([*site.scope.returned_values, *site.variables[:4], "None", "True", "False"]):
        yield site.replace_statement(f"return {value}", prior)


def _replace_exception(site: Site, raised: ast.expr) -> Iterator[TemplateEdit]:
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


TEMPLATES = (returned_value, exit_statement, missing_exit, block_keyword, else_branch)
