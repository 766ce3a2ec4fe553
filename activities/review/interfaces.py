"""The rules `dead-parameter` and `changed-signature`: what callers pass is no longer used, or no longer taken."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from activities.review.changes import FileChange, Function, get_line, list_loaded, list_parameters, walk_unit
from hydranet.objection import Objection

# Functions whose callers are looked for: each takes a search through the repository.
_NAMES = 20


def find_dead_parameters(change: FileChange) -> Iterator[Objection]:
    """Yield the parameters that a function has read and reads no longer."""
    for unit in change.units:
        if not isinstance(unit.old, Function) or not isinstance(unit.new, Function):
            continue
        before, after = (list_loaded(walk_unit(node)) for node in (unit.old, unit.new))
        if "locals" in after or "super" in before - after:
            continue
        kept = {argument.arg for argument in list_parameters(unit.old)}
        for argument in list_parameters(unit.new):
            name = argument.arg
            if name in kept and name in before - after and name not in ("self", "cls") and not name.startswith("_"):
                text = f"The parameter `{name}` of {unit.name} is no longer used."
                yield Objection(rule="dead-parameter", file=change.path, line=get_line(argument), text=text)


def find_changed_signatures(change: FileChange, find_mentions: Callable[[str], Sequence[str]]) -> Iterator[Objection]:
    """Yield public functions that no longer take what they took, while files mention them that the fix leaves alone.

    `find_mentions` gives the paths of such files by a name.
    """
    left = _NAMES
    for unit in change.units:
        if not isinstance(unit.old, Function) or _is_private(unit.name):
            continue
        if isinstance(unit.new, Function):
            is_method = "." in unit.name
            reason = _explain_break(unit.old.args, unit.new.args, is_method=is_method)
        else:
            reason = "is gone"
        left -= bool(reason)
        if reason and left >= 0 and (others := find_mentions(unit.name.rpartition(".")[2])):
            text = f"{unit.name} {reason}, and {others[0]} mentions it."
            yield Objection(
                rule="changed-signature", file=change.path, line=get_line(unit.new) or get_line(unit.old), text=text
            )


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and part not in ("__init__", "__call__") for part in name.split("."))


def _explain_break(old: ast.arguments, new: ast.arguments, *, is_method: bool) -> str:
    before, after = ([argument.arg for argument in (*side.posonlyargs, *side.args)] for side in (old, new))
    if is_method:
        before, after = before[1:], after[1:]
    names = {*after, *(argument.arg for argument in new.kwonlyargs)}
    lost = [name for name in (*before, *(argument.arg for argument in old.kwonlyargs)) if name not in names]
    if lost and not (new.kwarg and lost[0] not in before):
        return f"no longer takes `{lost[0]}`"
    if after[: len(before)] != before and not new.vararg:
        return "takes its parameters in another order"
    known = {*before, *(argument.arg for argument in old.kwonlyargs)}
    needed = after[: len(after) - len(new.defaults)] if len(new.defaults) <= len(after) else []
    needed += [argument.arg for argument, default in zip(new.kwonlyargs, new.kw_defaults, strict=True) if not default]
    optional = {*before[max(0, len(before) - len(old.defaults)) :]}
    optional |= {argument.arg for argument, value in zip(old.kwonlyargs, old.kw_defaults, strict=True) if value}
    if required := [name for name in needed if name not in known or name in optional]:
        return f"now needs `{required[0]}`"
    if (old.vararg and not new.vararg) or (old.kwarg and not new.kwarg):
        return "no longer takes further arguments"
    return ""
