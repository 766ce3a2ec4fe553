"""The units of a module's code: its functions and methods, by name, as they were compiled.

Two versions of a module are compared unit by unit, whatever moved in the file.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from typing import Any

Units = dict[str, types.CodeType]


def list_units(module: types.CodeType) -> Units:
    """Return the outermost functions of a module, and of its classes, by qualified name.

    Of several with one name, such as the getter and the setter of a property, each has its number behind it.
    """
    units: Units = {}
    for name, code in _walk(module, ""):
        number = 0
        while f"{name}#{number}" in units:
            number += 1
        units[f"{name}#{number}"] = code
    return units


def _walk(outer: types.CodeType, prefix: str) -> Iterator[tuple[str, types.CodeType]]:
    for code in outer.co_consts:
        if not isinstance(code, types.CodeType) or code.co_name.startswith("<"):
            continue
        if code.co_flags & inspect.CO_OPTIMIZED:
            yield f"{prefix}{code.co_name}", code
        else:  # the body of a class
            yield from _walk(code, f"{prefix}{code.co_name}.")


def list_changed(before: types.CodeType, after: types.CodeType) -> tuple[list[str], bool]:
    """Return the units that differ, and whether anything else does: a new function, a constant, a class."""
    old, new = list_units(before), list_units(after)
    changed = [name for name in old.keys() & new.keys() if _tell(old[name]) != _tell(new[name])]
    known = {id(code) for code in (*old.values(), *new.values())}
    is_other = old.keys() != new.keys() or _tell(before, known) != _tell(after, known)
    return sorted(changed), is_other


def are_alike(before: types.CodeType, after: types.CodeType) -> bool:
    """Return whether the code of a function can take the place of another: the same arguments, the same closure."""
    return before.co_freevars == after.co_freevars and _tell_arguments(before) == _tell_arguments(after)


def _tell_arguments(code: types.CodeType) -> tuple[Any, ...]:
    more = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    count = code.co_argcount + code.co_kwonlyargcount + more.bit_count()
    return code.co_varnames[:count], code.co_argcount, more


def _tell(code: types.CodeType, left_out: set[int] = frozenset()) -> tuple[Any, ...]:  # type: ignore[assignment]
    """Return what a code object does, without where it stands."""
    constants = tuple(
        (_tell(const, left_out) if id(const) not in left_out else ())
        if isinstance(const, types.CodeType)
        else (type(const).__name__, repr(const))
        for const in code.co_consts
    )
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return code.co_code, constants, names, counts


def observe_units(source: str | bytes, path: str, hook: str, names: dict[str, int]) -> Units:
    """Compile a module in which the named units call the builtin `hook` with their number first, and return these."""
    tree = ast.parse(source)
    counts: dict[str, int] = {}
    _observe(tree, "", hook, names, counts)
    ast.fix_missing_locations(tree)
    units = list_units(compile(tree, path, "exec", dont_inherit=True))
    return {name: code for name, code in units.items() if name in names}


def _observe(node: ast.AST, prefix: str, hook: str, names: dict[str, int], counts: dict[str, int]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            _observe(child, f"{prefix}{child.name}.", hook, names, counts)
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{prefix}{child.name}"
            number = counts[name] = counts.get(name, -1) + 1
            if (unit := names.get(f"{name}#{number}")) is not None:
                call = ast.Call(ast.Name(hook, ast.Load()), [ast.Constant(unit)], [])
                start = 1 if ast.get_docstring(child, clean=False) is not None else 0
                child.body.insert(start, ast.copy_location(ast.Expr(call), child.body[0]))
        elif not isinstance(child, ast.expr):
            _observe(child, prefix, hook, names, counts)
