"""What a fix changes in the Python files of a repository: their functions before and after, side by side."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from activities.code.python_source import parse_source

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Larger files are left out: nobody writes them by hand.
_CHARACTERS = 400_000


@dataclass(frozen=True)
class Unit:
    """A function, or the code of a module or class outside of functions, by its qualified name; empty for the module.

    `old` and `new` are its nodes before and after, with one of them None where it was added or removed. Nodes of equal
    `digests` are the same code.
    """

    name: str
    old: ast.AST | None
    new: ast.AST | None
    digests: Mapping[ast.AST, int]

    @property
    def is_changed(self) -> bool:
        """Whether it differs."""
        if self.old is None or self.new is None:
            return True
        return self.digests[self.old] != self.digests[self.new]

    @cached_property
    def added(self) -> list[ast.AST]:
        """The nodes that are there more often than before, in the order of the source."""
        left = Counter(self.digests[node] for node in walk_unit(self.old))
        added: list[ast.AST] = []
        for node in walk_unit(self.new):
            digest = self.digests[node]
            if left[digest] > 0:
                left[digest] -= 1
            else:
                added.append(node)
        return sorted(added, key=lambda node: (get_line(node), getattr(node, "col_offset", 0)))

    @cached_property
    def removed(self) -> list[ast.AST]:
        """The nodes that are there less often than before."""
        return Unit(self.name, self.new, self.old, self.digests).added


@dataclass(frozen=True)
class FileChange:
    """A Python file that both versions have or the fix adds, with its units that differ."""

    path: str
    old_text: str
    new_text: str
    old: ast.Module
    new: ast.Module
    units: tuple[Unit, ...]


def read_change(path: str, old_text: str, new_text: str) -> FileChange | None:
    """Return what changed in a file; None where a version is too large, or is no Python of this interpreter's."""
    old, new = read_tree(old_text), read_tree(new_text)
    if old is None or new is None:
        return None
    digests = _digest(old) | _digest(new)
    before, after = dict(list_units(old)), dict(list_units(new))
    units = (Unit(name, before.get(name), after.get(name), digests) for name in dict.fromkeys([*after, *before]))
    return FileChange(path, old_text, new_text, old, new, tuple(unit for unit in units if unit.is_changed))


def read_tree(text: str) -> ast.Module | None:
    """Return the tree of a source; None where it is too large or cannot be read."""
    return parse_source(text) if len(text) <= _CHARACTERS else None


def list_units(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the module and all functions with their qualified names; those inside a function belong to it."""
    yield "", tree
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, owner = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield f"{owner}{child.name}", child
            elif isinstance(child, ast.ClassDef):
                waiting.append((child, f"{owner}{child.name}."))
            elif isinstance(child, ast.stmt | ast.excepthandler):
                waiting.append((child, owner))


def walk_unit(root: ast.AST | None) -> Iterator[ast.AST]:
    """Yield the nodes of a unit: those of a module without its functions, which are units of their own."""
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        children = [*ast.iter_child_nodes(node)]
        if isinstance(root, ast.Module):
            children = [child for child in children if not isinstance(child, Function)]
        waiting += reversed(children)


def list_parameters(function: ast.AST) -> list[ast.arg]:
    """Return the parameters of a function in their order, `*` and `**` included."""
    if not isinstance(function, Function):
        return []
    given = function.args
    rest = [argument for argument in (given.vararg, given.kwarg) if argument is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


def list_blocks(root: ast.AST | None) -> Iterator[list[ast.stmt]]:
    """Yield the statement lists of a unit."""
    for node in walk_unit(root):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def strip_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a body without its docstring."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def is_constant(node: ast.AST | None) -> bool:
    """Return whether an expression is made of literals alone; nothing at all is one, as in a bare return."""
    match node:
        case None | ast.Constant():
            return True
        case ast.UnaryOp(operand=operand):
            return is_constant(operand)
        case ast.BinOp(left=left, right=right):
            return is_constant(left) and is_constant(right)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(map(is_constant, elements))
        case ast.Dict(keys=keys, values=values):
            return all(map(is_constant, [*keys, *values]))
        case ast.Call(func=ast.Name(), args=arguments, keywords=[]):
            # Such as float("inf") and set().
            return all(map(is_constant, arguments))
    return False


def get_dotted_name(node: ast.AST) -> str:
    """Return the dotted name that an expression is, empty for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def list_loaded(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the variables that nodes read."""
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def get_line(node: ast.AST | None) -> int:
    """Return the line of a node, 0 without one."""
    line: int = getattr(node, "lineno", 0)
    return line


def _digest(root: ast.AST) -> dict[ast.AST, int]:
    """Return a number for each node that is the same for the same code."""
    digests: dict[ast.AST, int] = {}
    # Children come after their parents there, and the trees may be too deep for a recursion.
    for node in reversed([*ast.walk(root)]):
        parts: list[object] = [type(node)]
        for name, value in ast.iter_fields(node):
            values = value if isinstance(value, list) else [value]
            parts += [name, *(digests[item] if isinstance(item, ast.AST) else (type(item), item) for item in values)]
        digests[node] = hash(tuple(parts))
    return digests


def read_texts(before: Mapping[str, str], after: Mapping[str, str | None]) -> Iterator[tuple[str, str, str]]:
    """Yield the paths that a fix changes or adds, with their texts before, empty for a new file, and after."""
    for path, text in after.items():
        if text is not None and text != before.get(path, ""):
            yield path, before.get(path, ""), text
