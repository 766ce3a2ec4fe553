"""The rules `disabled` and `swallowed-exception`: the failing code is kept from running, or from being heard."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from activities.review.changes import (
    FileChange,
    Unit,
    get_dotted_name,
    get_line,
    is_constant,
    list_blocks,
    strip_docstring,
    walk_unit,
)
from hydranet.objection import Objection

_DISABLED, _SWALLOWED = "disabled", "swallowed-exception"
_BROAD = {"Exception", "BaseException"}
_COMMENT = re.compile(r"^\s*#\s?(.+)$")
_SHORTEST = 8

_Jump = ast.Return | ast.Raise | ast.Continue | ast.Break


def find_disabled(change: FileChange) -> Iterator[Objection]:
    """Yield code that ran and no longer does: behind a condition that never holds, or a return, or out-commented."""
    for unit in change.units:
        if unit.old is None or unit.new is None:
            continue
        for line, text in [*_list_dead_conditions(unit), *_list_unreachable(unit), *_list_emptied(unit)]:
            yield Objection(rule=_DISABLED, file=change.path, line=line, text=text)
    for line, text in [*_list_lost_checks(change), *_list_commented(change)]:
        yield Objection(rule=_DISABLED, file=change.path, line=line, text=text)


def find_swallowed(change: FileChange) -> Iterator[Objection]:
    """Yield new handlers that catch whatever there is and say nothing."""
    for unit in change.units:
        added = set(unit.added)
        for node in walk_unit(unit.new):
            if node not in added:
                continue
            match node:
                case ast.ExceptHandler(type=kind, body=body) if _is_broad(kind) and _is_silent(body):
                    text = "Every exception is caught here, and nothing is made of it."
                    yield Objection(rule=_SWALLOWED, file=change.path, line=get_line(node), text=text)
                case ast.Call(func=function, args=arguments) if get_dotted_name(function).endswith("suppress") and any(
                    map(_is_broad, arguments)
                ):
                    text = "Every exception is suppressed here."
                    yield Objection(rule=_SWALLOWED, file=change.path, line=get_line(node), text=text)


def _list_dead_conditions(unit: Unit) -> Iterator[tuple[int, str]]:
    added = set(unit.added)
    for node in walk_unit(unit.new):
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if test in added:
                if _is_never(test):
                    yield get_line(test), "The condition never holds, so what stands behind it never runs."
                elif not isinstance(node, ast.While) and _is_always(test):
                    yield get_line(test), "The condition always holds, so it decides nothing any more."


def _is_never(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return not value
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_is_never, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_always(operand)
    return False


def _is_always(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_is_always, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_never(operand)
    return False


def _list_unreachable(unit: Unit) -> Iterator[tuple[int, str]]:
    """Yield the statements that ran before and now stand behind one that leaves their block."""
    dead = {unit.digests[statement] for block in list_blocks(unit.old) for statement in _list_behind(block)}
    ran = {unit.digests[statement] for block in list_blocks(unit.old) for statement in block} - dead
    for block in list_blocks(unit.new):
        behind = [statement for statement in _list_behind(block) if unit.digests[statement] in ran]
        if behind:
            yield get_line(behind[0]), "This is no longer reached: what stands before it leaves the block."


def _list_behind(block: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    first = next((index for index, statement in enumerate(block) if isinstance(statement, _Jump)), len(block))
    return block[first + 1 :]


def _list_emptied(unit: Unit) -> Iterator[tuple[int, str]]:
    before, after = (strip_docstring(getattr(node, "body", [])) for node in (unit.old, unit.new))
    if unit.name and len(before) > 1 and len(after) == 1 and _is_nothing(after[0]):
        yield get_line(after[0]), "The body of the function is gone: it gives the same whatever it gets."


def _is_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Return(value=value):
            return is_constant(value)
    return False


def _list_lost_checks(change: FileChange) -> Iterator[tuple[int, str]]:
    """Yield the checks that are gone from a file: assertions, and exceptions by which it refused to go on."""
    for kind, name in ((ast.Assert, "An assertion"), (ast.Raise, "A check that raises an exception")):
        before, after = (sum(isinstance(node, kind) for node in ast.walk(tree)) for tree in (change.old, change.new))
        for unit in change.units if before > after else ():
            if unit.new is not None and any(isinstance(node, kind) for node in unit.removed):
                yield get_line(unit.new), f"{name} was removed."


def _list_commented(change: FileChange) -> Iterator[tuple[int, str]]:
    old = Counter(line.strip() for line in change.old_text.split("\n"))
    new = Counter(line.strip() for line in change.new_text.split("\n"))
    gone = {line for line, count in old.items() if count > new[line] and len(line) >= _SHORTEST}
    for number, line in enumerate(change.new_text.split("\n"), 1):
        if old[line.strip()] or not (comment := _COMMENT.match(line)):
            continue
        code = comment[1].strip()
        if code in gone and not code.startswith("#"):
            yield number, f"`{code}` was made a comment."


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return kind is None or get_dotted_name(kind).rpartition(".")[2] in _BROAD


def _is_silent(body: Sequence[ast.stmt]) -> bool:
    for statement in body:
        match statement:
            case ast.Pass() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Return(value=value) | ast.Assign(value=value) if is_constant(value):
                continue
        return False
    return True
