"""Templates for statements: one is missing, superfluous or in the wrong place."""

import ast
import re
from collections.abc import Callable, Iterator

from activities.localisation.regions import EXITS, DefinitionNode, LoopNode, Statement
from activities.localisation.source import Replacement
from activities.repair.scope import BUILTINS, list_assigned_names
from activities.repair.site import Site, TemplateEdit
from activities.repair.statement_edits import StatementEditor, get_editor
from activities.repair.value_types import ValueType, score_compatibility

# Characters of a statement that is copied, and statements of a region: their copies fill every insertion.
_COPY_CHARACTERS = 80
_COPIES = 20

_Insert = Callable[..., Replacement]


def removal(site: Site) -> Iterator[TemplateEdit]:
    """Remove a statement."""
    editor = _get_editor(site)
    if editor is not None and not isinstance(site.node, ast.Pass):
        prior = 0.5 if isinstance(site.node, ast.Expr | ast.AugAssign | ast.Continue | ast.Break) else 0.35
        yield TemplateEdit((editor.remove(),), prior)


def unwrapped_block(site: Site) -> Iterator[TemplateEdit]:
    """Replace an `if` by one of its branches."""
    match site.node:
        case ast.If(body=body, orelse=orelse) if not site.statement.is_elif:
            editor = site.editor
            if editor.can_reindent:
                for block, prior in ((body, 0.3), (orelse, 0.2)):
                    if block:
                        yield TemplateEdit((editor.replace_with(_indent_block(site, block, editor.indent)),), prior)


def move(site: Site) -> Iterator[TemplateEdit]:
    """Swap a statement with the next one."""
    editor, follower = _get_editor(site), _get_neighbour(site, 1)
    if editor is None or follower is None:
        return
    other = get_editor(site.scope.source, follower)
    if other.has_own_lines and editor.indent == other.indent and not isinstance(follower.node, DefinitionNode):
        # Simple statements are more often in the wrong order than compound ones.
        plain = not isinstance(site.node, ast.If | ast.Try) and not isinstance(follower.node, ast.If | ast.Try)
        lines = editor.indent_lines(editor.indent)
        yield TemplateEdit((_delete(site), other.insert_lines_after(lines)), 0.45 if plain else 0.3)


def move_into_block(site: Site) -> Iterator[TemplateEdit]:
    """Move a statement into the block before it or after it."""
    editor = _get_editor(site)
    if editor is None or not editor.can_reindent or isinstance(site.node, LoopNode):
        return
    for neighbour, last in ((_get_neighbour(site, -1), True), (_get_neighbour(site, 1), False)):
        if neighbour is None:
            continue
        for block, parent in _list_inner_blocks(neighbour.node):
            edge = block[-1] if last else block[0]
            target = get_editor(site.scope.source, Statement(edge, block, parent, site.statement.function, None))
            if not target.has_own_lines:
                continue
            lines = editor.indent_lines(target.indent)
            insertion = target.insert_lines_after(lines) if last else target.insert_lines_before(lines)
            yield TemplateEdit((_delete(site), insertion), 0.45)


def move_out_of_block(site: Site) -> Iterator[TemplateEdit]:
    """Move the last statement of a block behind the block, or the first one before it."""
    editor, parent = _get_editor(site), site.statement.parent
    if (
        editor is None
        or not editor.can_reindent
        or not isinstance(parent, ast.stmt)
        or isinstance(parent, DefinitionNode)
    ):
        return
    outer = _find_statement(site, parent)
    if outer is None or outer.is_elif:
        return
    target = get_editor(site.scope.source, outer)
    lines = editor.indent_lines(target.indent)
    if site.statement.is_last:
        yield TemplateEdit((editor.remove(), target.insert_lines_after(lines)), 0.5)
    if site.statement.index == 0:
        yield TemplateEdit((target.insert_lines_before(lines), editor.remove()), 0.35)


def missing_assignment(site: Site) -> Iterator[TemplateEdit]:
    """Insert an assignment of another variable, an increment or a decrement."""
    insertions = _list_insertions(site)
    if not insertions:
        return
    function = site.statement.function
    reassigned = set(list_assigned_names(function if function is not None else site.scope.source.tree))
    for insert, names in insertions:
        variables = [name for name in names if name not in ("self", "cls")]
        for target in variables:
            value_type = site.type_of_name(target)
            factor = 1.0 if target in reassigned else 0.6
            for value in variables:
                fit = score_compatibility(value_type, site.type_of_name(value))
                if value != target and fit >= 0.4 and value_type is not ValueType.CALLABLE:
                    yield TemplateEdit((insert(f"{target} = {value}"),), 0.42 * fit * factor)
            if value_type is ValueType.NUMBER and target in reassigned:
                yield TemplateEdit((insert(f"{target} += 1"),), 0.4 * factor)
                yield TemplateEdit((insert(f"{target} -= 1"),), 0.35 * factor)


def collection_update(site: Site) -> Iterator[TemplateEdit]:
    """Insert a call that adds to a collection or removes from it."""
    for insert, names in _list_insertions(site):
        types = {name: site.type_of_name(name) for name in names if name not in ("self", "cls")}
        for collection, value_type in types.items():
            for item, item_type in types.items():
                if item == collection or item_type is ValueType.CALLABLE:
                    continue
                if value_type is ValueType.SET:
                    yield TemplateEdit((insert(f"{collection}.add({item})"),), 0.42)
                elif value_type is ValueType.LIST:
                    yield TemplateEdit((insert(f"{collection}.append({item})"),), 0.35)
                    if item_type in (ValueType.LIST, ValueType.TUPLE, ValueType.ITERABLE):
                        yield TemplateEdit((insert(f"{collection}.extend({item})"),), 0.3)
            if value_type is ValueType.LIST:
                yield TemplateEdit((insert(f"{collection}.pop()"),), 0.25)


def copied_statement(site: Site) -> Iterator[TemplateEdit]:
    """Insert a copy of a statement of the region, also with another variable."""
    insertions = _list_insertions(site)
    if not insertions:
        return
    for statement in _list_copyable_statements(site):
        text = site.text_of(statement)
        for insert, names in insertions:
            if site.scope.can_resolve(statement, names):
                yield TemplateEdit((insert(text),), 0.35)
            for variant in _substitute_names(statement, text, names):
                yield TemplateEdit((insert(variant),), 0.25)


def borrowed_idiom(site: Site) -> Iterator[TemplateEdit]:
    """Insert an idiom of similar code in the repository."""
    insertions = _list_insertions(site)
    if not insertions:
        return
    for idiom, overlap in site.scope.similar_idioms:
        if idiom.lines[-1].strip() in ("break", "continue") and site.statement.loop is None:
            continue
        for insert, names in insertions:
            if idiom.names <= {*names, *site.scope.globals, *BUILTINS}:
                yield TemplateEdit((insert(*idiom.lines),), 0.22 + 0.2 * overlap)


def self_call(site: Site) -> Iterator[TemplateEdit]:
    """Insert a call of a method of `self` that takes no argument."""
    insertions = _list_insertions(site)
    if not insertions or "self" not in site.variables:
        return
    for name in site.scope.self_attributes:
        method = site.scope.functions.get(name)
        if method is not None and not site.scope.get_parameters(name) and not name.startswith("__"):
            for insert, _ in insertions:
                yield TemplateEdit((insert(f"self.{name}()"),), 0.25)


def _list_copyable_statements(site: Site) -> list[ast.stmt]:
    by_text: dict[str, ast.stmt] = {}
    for statement in site.scope.region.statements:
        node = statement.node
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Return) or _is_call(node):
            text = site.text_of(node)
            if node is not site.node and "\n" not in text and len(text) <= _COPY_CHARACTERS:
                by_text.setdefault(text, node)
    return list(by_text.values())[:_COPIES]


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _substitute_names(statement: ast.stmt, text: str, names: list[str]) -> Iterator[str]:
    used = list(dict.fromkeys(node.id for node in ast.walk(statement) if isinstance(node, ast.Name)))
    for old in used:
        if old in names:
            for new in names[:6]:
                if new not in used and new not in ("self", "cls"):
                    # Not as an attribute of another object.
                    yield re.sub(rf"(?<![\w.]){re.escape(old)}\b", new, text)


def _list_insertions(site: Site) -> list[tuple[_Insert, list[str]]]:
    """Return an insertion before the statement and, at the end of a block, one after it, each with its variables."""
    editor = _get_editor(site)
    if editor is None:
        return []
    variables = site.scope.list_variables(site.statement)
    insertions: list[tuple[_Insert, list[str]]] = [(editor.insert_before, variables)]
    if site.statement.is_last and not isinstance(site.node, EXITS):
        names = [*list_assigned_names(site.node), *variables]
        insertions.append((editor.insert_after, list(dict.fromkeys(names))))
    return insertions


def _get_editor(site: Site) -> StatementEditor | None:
    """Return the site's editor where whole statements may be changed, else None."""
    if site.node is not site.statement.node or site.statement.is_elif or isinstance(site.node, DefinitionNode):
        return None
    return site.editor if site.editor.has_own_lines else None


def _get_neighbour(site: Site, step: int) -> Statement | None:
    statement = site.statement
    index = statement.index + step
    if not 0 <= index < len(statement.block):
        return None
    return Statement(statement.block[index], statement.block, statement.parent, statement.function, statement.loop)


def _find_statement(site: Site, node: ast.stmt) -> Statement | None:
    return next((statement for statement in site.scope.region.statements if statement.node is node), None)


def _list_inner_blocks(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], ast.AST]]:
    if isinstance(node, DefinitionNode):
        return
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block, node


def _delete(site: Site) -> Replacement:
    source, statement = site.scope.source, site.statement
    return Replacement(*source.span_of_lines(statement.first_line, statement.last_line), "")


def _indent_block(site: Site, block: list[ast.stmt], indent: str) -> list[str]:
    statements = (Statement(node, block, site.statement.node, site.statement.function, None) for node in block)
    editors = (get_editor(site.scope.source, statement) for statement in statements)
    return [line for editor in editors for line in editor.indent_lines(indent)]


TEMPLATES = (
    removal,
    unwrapped_block,
    move,
    move_into_block,
    move_out_of_block,
    missing_assignment,
    collection_update,
    copied_statement,
    borrowed_idiom,
    self_call,
)
