"""Templates for statements: one is missing, too much or in the wrong place."""

import ast
import re
from collections.abc import Callable, Iterator

from activities.localisation.regions import Statement
from activities.localisation.source import Replacement
from activities.repair.scope import BUILTINS
from activities.repair.site import Site, TemplateEdit
from activities.repair.statement_edits import Layout, find_layout
from activities.repair.value_types import ValueType, affinity

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_Insert = Callable[..., Replacement]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def removal(site: Site) -> Iterator[TemplateEdit]:
    """A statement less."""
    place = _place(site)
    if place is not None and not isinstance(site.node, ast.Pass):
        prior = 0.5 if isinstance(site.node, ast.Expr | ast.AugAssign | ast.Continue | ast.Break) else 0.35
        yield TemplateEdit((place.remove(),), prior)


def unwrapping(site: Site) -> Iterator[TemplateEdit]:
    """The body of an `if` or a loop without its header."""
    match site.node:
        case ast.If(body=body, orelse=orelse) if not _is_elif(site):
            place = find_layout(site.scope.source, site.statement)
            if place.movable:
                for block, prior in ((body, 0.3), (orelse, 0.2)):
                    if block:
                        yield TemplateEdit((place.become(_block_lines(site, block, place.indent)),), prior)


def move(site: Site) -> Iterator[TemplateEdit]:
    """A statement one place up or down."""
    place, follower = _place(site), _neighbour(site, 1)
    if place is None or follower is None:
        return
    other = find_layout(site.scope.source, follower)
    if other.alone and place.indent == other.indent and not isinstance(follower.node, _DEFINITIONS):
        plain = not isinstance(site.node, ast.If | ast.Try) and not isinstance(follower.node, ast.If | ast.Try)
        lines = place.lines(place.indent)
        yield TemplateEdit((_cut(site), other.insert_after(lines)), 0.45 if plain else 0.3)


def into_block(site: Site) -> Iterator[TemplateEdit]:
    """A statement into the block before it, or into the one after it."""
    place = _place(site)
    if place is None or not place.movable or isinstance(site.node, _LOOPS):
        return
    for neighbour, last in ((_neighbour(site, -1), True), (_neighbour(site, 1), False)):
        if neighbour is None:
            continue
        for block, parent in _inner_blocks(neighbour.node):
            edge = block[-1] if last else block[0]
            target = find_layout(site.scope.source, Statement(edge, block, parent, site.statement.function, None))
            if not target.alone:
                continue
            lines = place.lines(target.indent)
            insertion = target.insert_after(lines) if last else target.insert_before(lines)
            yield TemplateEdit((_cut(site), insertion), 0.45)


def out_of_block(site: Site) -> Iterator[TemplateEdit]:
    """The last statement of a block behind the block, or the first before it."""
    place, parent = _place(site), site.statement.parent
    if place is None or not place.movable or not isinstance(parent, ast.stmt) or isinstance(parent, _DEFINITIONS):
        return
    outer = _statement(site, parent)
    if outer is None or _is_chained(outer):
        return
    target = find_layout(site.scope.source, outer)
    lines = place.lines(target.indent)
    if site.statement.index == len(site.statement.block) - 1:
        yield TemplateEdit((place.remove(), target.insert_after(lines)), 0.5)
    if site.statement.index == 0:
        yield TemplateEdit((target.insert_before(lines), place.remove()), 0.35)


def assignment(site: Site) -> Iterator[TemplateEdit]:
    """A variable that should take over another one's value, or step on."""
    place = _place(site, definitions=False)
    if place is None:
        return
    rebound = _assigned_names(site)
    for splice, names in _insertions(site, place):
        variables = [name for name in names if name not in ("self", "cls")]
        for target in variables:
            kind = site.scope.kinds.of_name(target)
            carried = 1.0 if target in rebound else 0.6
            for value in variables:
                fit = affinity(kind, site.scope.kinds.of_name(value))
                if value != target and fit >= 0.4 and kind is not ValueType.CALLABLE:
                    yield TemplateEdit((splice(f"{target} = {value}"),), 0.42 * fit * carried)
            if kind is ValueType.NUMBER and target in rebound:
                yield TemplateEdit((splice(f"{target} += 1"),), 0.4 * carried)
                yield TemplateEdit((splice(f"{target} -= 1"),), 0.35 * carried)


def collection_call(site: Site) -> Iterator[TemplateEdit]:
    """Something that should have been put into, or taken out of, a collection."""
    place = _place(site, definitions=False)
    if place is None:
        return
    for splice, names in _insertions(site, place):
        kinds = {name: site.scope.kinds.of_name(name) for name in names if name not in ("self", "cls")}
        for holder, kind in kinds.items():
            for item, offered in kinds.items():
                if item == holder or offered is ValueType.CALLABLE:
                    continue
                if kind is ValueType.SET:
                    yield TemplateEdit((splice(f"{holder}.add({item})"),), 0.42)
                elif kind is ValueType.LIST:
                    yield TemplateEdit((splice(f"{holder}.append({item})"),), 0.35)
                    if offered in (ValueType.LIST, ValueType.TUPLE, ValueType.ITERABLE):
                        yield TemplateEdit((splice(f"{holder}.extend({item})"),), 0.3)
            if kind is ValueType.LIST:
                yield TemplateEdit((splice(f"{holder}.pop()"),), 0.25)


def copied(site: Site) -> Iterator[TemplateEdit]:
    """A statement that stands elsewhere in the file, once more here, also with another variable."""
    place = _place(site, definitions=False)
    if place is None:
        return
    insertions = list(_insertions(site, place))
    for model in _models(site):
        text = site.text(model)
        for splice, names in insertions:
            if site.scope.can_name(model, names):
                yield TemplateEdit((splice(text),), 0.35)
            for variant in _varied(model, text, names):
                yield TemplateEdit((splice(variant),), 0.25)


def borrowed(site: Site) -> Iterator[TemplateEdit]:
    """A statement or a guard that similar code elsewhere in the repository has and this has not."""
    place = _place(site, definitions=False)
    if place is None:
        return
    insertions = list(_insertions(site, place))
    for phrase, alike in site.scope.phrases:
        if phrase.lines[-1].strip() in ("break", "continue") and site.statement.loop is None:
            continue
        for splice, names in insertions:
            if phrase.names <= {*names, *site.scope.globals, *BUILTINS}:
                yield TemplateEdit((splice(*phrase.lines),), 0.22 + 0.2 * alike)


def bare_call(site: Site) -> Iterator[TemplateEdit]:
    """A method of the object that should have been called."""
    place = _place(site, definitions=False)
    if place is None or "self" not in site.names:
        return
    for name in site.scope.own_attributes:
        method = site.scope.functions.get(name)
        if method is not None and not site.scope.taken(name) and not name.startswith("__"):
            for splice, _ in _insertions(site, place):
                yield TemplateEdit((splice(f"self.{name}()"),), 0.25)


def _models(site: Site) -> list[ast.stmt]:
    """Simple statements worth writing once more: those of the region first."""
    found: dict[str, ast.stmt] = {}
    for statement in site.scope.region.statements:
        node = statement.node
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Return) or _is_call(node):
            text = site.text(node)
            if node is not site.node and "\n" not in text and len(text) <= 80:
                found.setdefault(text, node)
    return list(found.values())[:20]


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _varied(model: ast.stmt, text: str, names: list[str]) -> Iterator[str]:
    """The statement with one of its names replaced by another in scope."""
    used = list(dict.fromkeys(node.id for node in ast.walk(model) if isinstance(node, ast.Name)))
    for old in used:
        if old in names:
            for new in names[:6]:
                if new not in used and new not in ("self", "cls"):
                    yield re.sub(rf"(?<![\w.]){re.escape(old)}\b", new, text)


def _insertions(site: Site, place: Layout) -> Iterator[tuple[_Insert, list[str]]]:
    """The ways to insert a line here: before the statement and, at the end of its block, after it."""
    yield place.before, site.scope.names(site.statement)
    statement = site.statement
    if statement.index == len(statement.block) - 1 and not _ends_control(statement.node):
        bound = [node.id for node in ast.walk(statement.node) if isinstance(node, ast.Name) and _is_stored(node)]
        yield place.after, list(dict.fromkeys([*bound, *site.scope.names(statement)]))


def _ends_control(node: ast.stmt) -> bool:
    return isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break)


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _assigned_names(site: Site) -> set[str]:
    function = site.statement.function
    root: ast.AST = function if function is not None else site.scope.source.tree
    return {node.id for node in ast.walk(root) if isinstance(node, ast.Name) and _is_stored(node)}


def _place(site: Site, *, definitions: bool = False) -> Layout | None:
    """The layout of the site's statement where whole statements may change, else None."""
    if site.node is not site.statement.node or _is_elif(site):
        return None
    if isinstance(site.node, _DEFINITIONS) and (not definitions or site.node is site.scope.region.node):
        return None
    place = find_layout(site.scope.source, site.statement)
    return place if place.alone else None


def _is_elif(site: Site) -> bool:
    return _is_chained(site.statement)


def _is_chained(statement: Statement) -> bool:
    parent = statement.parent
    return (
        isinstance(parent, ast.If)
        and isinstance(statement.node, ast.If)
        and len(parent.orelse) == 1
        and parent.orelse[0] is statement.node
    )


def _neighbour(site: Site, step: int) -> Statement | None:
    own = site.statement
    index = own.index + step
    if not 0 <= index < len(own.block):
        return None
    return Statement(own.block[index], own.block, own.parent, own.function, own.loop)


def _statement(site: Site, node: ast.stmt) -> Statement | None:
    return next((one for one in site.scope.region.statements if one.node is node), None)


def _inner_blocks(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], ast.AST]]:
    if isinstance(node, _DEFINITIONS):
        return
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block, node


def _cut(site: Site) -> Replacement:
    source, statement = site.scope.source, site.statement
    return Replacement(*source.span_of_lines(statement.first_line, statement.last_line), "")


def _block_lines(site: Site, block: list[ast.stmt], indent: str) -> list[str]:
    lines: list[str] = []
    for node in block:
        inner = Statement(node, block, site.statement.node, site.statement.function, None)
        lines += find_layout(site.scope.source, inner).lines(indent)
    return lines


TEMPLATES = (
    removal,
    unwrapping,
    move,
    into_block,
    out_of_block,
    assignment,
    collection_call,
    copied,
    borrowed,
    bare_call,
)
