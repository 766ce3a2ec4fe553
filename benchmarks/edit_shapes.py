"""Shapes of edits: in which way two syntax trees differ at the smallest place that holds every difference."""

import ast
from typing import Any


def describe_edit(before: ast.AST, after: ast.AST) -> str:
    """Return the shape of an edit, such as `add keyword to Call` or `wrap in Call`."""
    if type(before) is not type(after):
        return _describe_replacement(before, after)
    different = [
        (name, old, new)
        for (name, old), (_, new) in zip(ast.iter_fields(before), ast.iter_fields(after), strict=True)
        if _dump(old) != _dump(new)
    ]
    if _wraps(before, after) or _wraps(after, before):
        return _describe_replacement(before, after)
    if len(different) != 1:
        return f"several parts of {_name(before)}"
    ((name, old, new),) = different
    if isinstance(old, list) and isinstance(new, list):
        return _describe_list(before, old, new)
    if isinstance(old, ast.AST) and isinstance(new, ast.AST):
        return describe_edit(old, new)
    if isinstance(old, ast.AST) or isinstance(new, ast.AST):
        return f"{'add' if old is None else 'remove'} {name} of {_name(before)}"
    return f"change {name} of {_name(before)}"


def _describe_replacement(before: ast.AST, after: ast.AST) -> str:
    if _wraps(after, before):
        return f"wrap in {_name(after)}"
    if _wraps(before, after):
        return f"unwrap {_name(before)}"
    if isinstance(before, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
        return "change an operator"
    return f"{_name(before)} to {_name(after)}"


def _describe_list(owner: ast.AST, old: list[Any], new: list[Any]) -> str:
    while old and new and _dump(old[0]) == _dump(new[0]):
        old, new = old[1:], new[1:]
    while old and new and _dump(old[-1]) == _dump(new[-1]):
        old, new = old[:-1], new[:-1]
    if len(old) == len(new) == 1:
        return describe_edit(old[0], new[0])
    changed = old or new
    if len(changed) == 1 and not (old and new):
        place = "" if isinstance(changed[0], ast.stmt) else f" {'to' if new else 'from'} {_name(owner)}"
        return f"{'add' if new else 'remove'} {_name(changed[0])}{place}"
    moved = sorted(map(_dump, old)) == sorted(map(_dump, new))
    kind = "statements" if isinstance(changed[0], ast.stmt) else f"parts of {_name(owner)}"
    return f"{'reorder' if moved else 'several'} {kind}"


def _wraps(outer: ast.AST, inner: ast.AST) -> bool:
    dumped = _dump(inner)
    return any(_dump(node) == dumped for node in ast.walk(outer) if node is not outer and type(node) is type(inner))


def _dump(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_dump, value))}]"
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)


def _name(node: ast.AST) -> str:
    return type(node).__name__
