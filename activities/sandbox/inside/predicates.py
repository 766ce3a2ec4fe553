"""Watches what the conditions, comparisons and results of functions come out as, for each test.

A line that all tests execute may still behave in its own way under a failing one: two values are equal that
never were before, a condition holds for the first time. Liblit, Naik, Zheng, Aiken and Jordan, "Scalable
Statistical Bug Isolation", PLDI 2005.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import operator
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from typing import Any, TypeVar

TEXT_LIMIT = 80
# Results are read this deep and far: they may be large, and they may hold themselves.
_DEPTH, _ATOMS = 3, 60
# A test that returns more different values than this says nothing by any one of them.
_VALUES = 2_000

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_SIGNS = ("<", "==", ">")
_COMPARABLE = {"builtins", "datetime", "decimal", "fractions"}
_PLAIN = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset, type(None))
_SEEN, _COMPARE, _RETURNED = "__hydra_seen__", "__hydra_compare__", "__hydra_returned__"

Node = TypeVar("Node", bound=ast.AST)


class Predicates:
    """What was seen since the last `take`: predicates by file and line, and where values were first returned."""

    def __init__(self, watched: Callable[[str], str]) -> None:
        """Watch what is imported from now on where `watched` names the file, which it does not by ''."""
        self._watched = watched
        self._places: list[tuple[str, int, tuple[str, ...]]] = []
        self._seen: set[tuple[int, int]] = set()
        self._values: dict[str, int] = {}
        setattr(builtins, _SEEN, self._note)
        setattr(builtins, _COMPARE, self._compare)
        setattr(builtins, _RETURNED, self._note_returned)
        plain = SourceFileLoader.source_to_code

        def source_to_code(loader: SourceFileLoader, data: Any, path: Any, *, _optimize: int = -1) -> Any:
            if isinstance(path, str) and isinstance(data, bytes) and (file := watched(path)):
                try:
                    return compile(self._rewritten(data, file), path, "exec", dont_inherit=True, optimize=_optimize)
                except (SyntaxError, ValueError, RecursionError):
                    pass  # it fails again below, or is nested too deeply to be rewritten
            return plain(loader, data, path, _optimize=_optimize)

        SourceFileLoader.source_to_code = source_to_code  # type: ignore[method-assign, assignment]

    def take(self) -> tuple[dict[str, set[tuple[int, str]]], dict[str, dict[int, list[str]]]]:
        """By file what was seen at which line, and by file and line the values that were first returned there."""
        seen: dict[str, set[tuple[int, str]]] = {}
        for number, outcome in self._seen:
            file, line, texts = self._places[number]
            seen.setdefault(file, set()).add((line, texts[outcome]))
        values: dict[str, dict[int, list[str]]] = {}
        for value, number in self._values.items():
            file, line, _ = self._places[number]
            values.setdefault(file, {}).setdefault(line, []).append(value)
        self._seen, self._values = set(), {}
        return seen, values

    # --- while the tests run --------------------------------------------------------------------

    def _note(self, number: int, value: Any) -> Any:
        if type(value) in _PLAIN:
            self._seen.add((number, 0 if value else 1))
        return value

    def _note_returned(self, number: int, value: Any) -> Any:
        if type(value) in _PLAIN:
            self._seen.add((number, 2 if value is None else 0 if value else 1))
        if len(self._values) < _VALUES:
            with contextlib.suppress(Exception):  # whatever an object does when it is looked at
                for atom in _atoms(value, _DEPTH, [_ATOMS]):
                    self._values.setdefault(atom, number)
        return value

    def _compare(self, number: int, sign: str, left: Any, right: Any) -> Any:
        if type(left).__module__ in _COMPARABLE and type(right).__module__ in _COMPARABLE:
            try:
                outcome = 1 if left == right else 0 if left < right else 2
            except (TypeError, ValueError, ArithmeticError):
                pass
            else:
                self._seen.add((number, outcome))
        return getattr(operator, sign)(left, right)

    # --- when a file is imported ----------------------------------------------------------------

    def _rewritten(self, data: bytes, file: str) -> ast.Module:
        tree = ast.parse(data)
        _Rewriter(file, self._places).visit(tree)
        return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    """Passes conditions, comparisons and results through the functions that watch them."""

    def __init__(self, file: str, places: list[tuple[str, int, tuple[str, ...]]]) -> None:
        self._file = file
        self._places = places

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Tell which of two values is greater."""
        self.generic_visit(node)
        if len(node.ops) > 1 or type(node.ops[0]) not in _COMPARED:
            return node
        left, right = node.left, node.comparators[0]
        told = tuple(f"{_text(left)} {sign} {_text(right)}" for sign in _SIGNS)
        sign = ast.Constant(_COMPARED[type(node.ops[0])])
        return self._call(_COMPARE, node, told, sign, left, right)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Tell which parts hold."""
        node.values = [self._condition(value) for value in node.values]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Tell whether the condition holds."""
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        node.test = self._condition(node.test)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        """Tell whether the condition holds."""
        return self._branching(node)

    def visit_While(self, node: ast.While) -> ast.stmt:
        """Tell whether the condition holds."""
        return self._branching(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        """Tell whether the conditions hold."""
        node.iter = self.visit(node.iter)
        node.ifs = [self._condition(test) for test in node.ifs]
        return node

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        """Tell what a function returns."""
        node.value = self._given(node.value)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.expr:
        """Tell what a generator yields."""
        node.value = self._given(node.value)
        return node

    def _given(self, value: ast.expr | None) -> ast.expr | None:
        if value is None:
            return None
        text = _text(value)
        told = (f"{text} is true", f"{text} is false", f"{text} is None")
        return self._call(_RETURNED, value, told, self.visit(value))

    def _branching(self, node: ast.If | ast.While) -> ast.stmt:
        test, node.test = node.test, ast.Constant(True)
        self.generic_visit(node)
        node.test = self._condition(test)
        return node

    def _condition(self, node: ast.expr) -> ast.expr:
        text = _text(node)
        return self._call(_SEEN, node, (text, f"not ({text})"), self.visit(node))

    def _call(self, name: str, at: ast.expr, told: tuple[str, ...], *given: ast.expr) -> ast.expr:
        self._places.append((self._file, at.lineno, told))
        called = ast.Name(name, ast.Load())
        return ast.copy_location(ast.Call(called, [ast.Constant(len(self._places) - 1), *given], []), at)


def _text(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"


def _atoms(value: Any, depth: int, room: list[int]) -> Iterator[str]:
    """The strings and numbers that a value is made of; `room` is how many more may follow."""
    kind = type(value)
    if room[0] <= 0:
        return
    if kind in (str, int, float):
        room[0] -= 1
        if 0 < len(text := str(value)) <= TEXT_LIMIT:
            yield text
    elif depth and kind in (list, tuple, set, frozenset, dict):
        parts = [*value, *value.values()] if kind is dict else value
        for part in [*parts][:_ATOMS]:
            yield from _atoms(part, depth - 1, room)
    elif depth and isinstance(fields := getattr(value, "__dict__", None), dict) and not isinstance(value, type):
        for part in [*fields.values()][:_ATOMS]:
            yield from _atoms(part, depth - 1, room)
