"""Predicates: the outcomes of conditions, comparisons and results, as each test observes them.

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
from typing import Any

# Characters of an expression or a value; longer ones name nothing that a patch would contain.
TEXT_LIMIT = 80
# Levels and parts of a result that are read, since it may be large or contain itself.
_DEPTH, _ATOMS = 3, 60
# Values per test; of a test that returns more, none says anything by itself.
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
# Comparing or testing any other object might run code of the repository, with its effects.
_COMPARABLE = {"builtins", "datetime", "decimal", "fractions"}
_PLAIN = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset, type(None))
_CONDITION, _COMPARE, _RETURNED = "__hydra_condition__", "__hydra_compare__", "__hydra_returned__"


class Predicates:
    """The predicates and values that were observed since the last `take`.

    A predicate is a line and a text such as `count == 0`. A value belongs to the line that returned it first.
    """

    def __init__(self, name_source: Callable[[str], str]) -> None:
        """Observe every file that is imported from now on, unless `name_source` returns '' for its path."""
        # By number: file, line and the texts of the possible outcomes.
        self._sites: list[tuple[str, int, tuple[str, ...]]] = []
        self._outcomes: set[tuple[int, int]] = set()
        self._values: dict[str, int] = {}
        # The rewritten code calls these; builtins are the only names that every module has.
        setattr(builtins, _CONDITION, self._observe_condition)
        setattr(builtins, _COMPARE, self._observe_comparison)
        setattr(builtins, _RETURNED, self._observe_result)
        plain = SourceFileLoader.source_to_code

        def source_to_code(loader: SourceFileLoader, data: Any, path: Any, *, _optimize: int = -1) -> Any:
            if isinstance(path, str) and isinstance(data, bytes) and (file := name_source(path)):
                try:
                    return compile(self._rewrite(data, file), path, "exec", dont_inherit=True, optimize=_optimize)
                except (SyntaxError, ValueError, RecursionError):
                    pass  # it fails again below, or is nested too deeply to be rewritten
            return plain(loader, data, path, _optimize=_optimize)

        SourceFileLoader.source_to_code = source_to_code  # type: ignore[method-assign, assignment]

    def take(self) -> tuple[dict[str, set[tuple[int, str]]], dict[str, dict[int, list[str]]]]:
        """Return and forget the predicates (lines and texts by file) and the values (by file and line)."""
        predicates: dict[str, set[tuple[int, str]]] = {}
        for number, outcome in self._outcomes:
            file, line, texts = self._sites[number]
            predicates.setdefault(file, set()).add((line, texts[outcome]))
        values: dict[str, dict[int, list[str]]] = {}
        for value, number in self._values.items():
            file, line, _ = self._sites[number]
            values.setdefault(file, {}).setdefault(line, []).append(value)
        self._outcomes, self._values = set(), {}
        return predicates, values

    def _observe_condition(self, number: int, value: Any) -> Any:
        if type(value) in _PLAIN:
            self._outcomes.add((number, 0 if value else 1))
        return value

    def _observe_result(self, number: int, value: Any) -> Any:
        if type(value) in _PLAIN:
            self._outcomes.add((number, 2 if value is None else 0 if value else 1))
        if len(self._values) < _VALUES:
            with contextlib.suppress(Exception):  # whatever an object does when its attributes are read
                for atom in _list_atoms(value, _DEPTH, [_ATOMS]):
                    self._values.setdefault(atom, number)
        return value

    def _observe_comparison(self, number: int, sign: str, left: Any, right: Any) -> Any:
        if type(left).__module__ in _COMPARABLE and type(right).__module__ in _COMPARABLE:
            try:
                outcome = 1 if left == right else 0 if left < right else 2
            except (TypeError, ValueError, ArithmeticError):
                pass
            else:
                self._outcomes.add((number, outcome))
        return getattr(operator, sign)(left, right)

    def _rewrite(self, data: bytes, file: str) -> ast.Module:
        tree = ast.parse(data)
        _Rewriter(file, self._sites).visit(tree)
        return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    """A rewriter that passes conditions, comparisons and results through the functions that observe them."""

    def __init__(self, file: str, sites: list[tuple[str, int, tuple[str, ...]]]) -> None:
        self._file = file
        self._sites = sites

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Observe which of two values is greater."""
        self.generic_visit(node)
        if len(node.ops) > 1 or type(node.ops[0]) not in _COMPARED:
            return node
        left, right = node.left, node.comparators[0]
        texts = tuple(f"{_unparse(left)} {sign} {_unparse(right)}" for sign in _SIGNS)
        sign = ast.Constant(_COMPARED[type(node.ops[0])])
        return self._call(_COMPARE, node, texts, sign, left, right)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Observe which operands are true."""
        node.values = [self._observe(value) for value in node.values]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Observe the condition."""
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        node.test = self._observe(node.test)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        """Observe the condition."""
        return self._visit_branch(node)

    def visit_While(self, node: ast.While) -> ast.stmt:
        """Observe the condition."""
        return self._visit_branch(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        """Observe the conditions."""
        node.iter = self.visit(node.iter)
        node.ifs = [self._observe(test) for test in node.ifs]
        return node

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        """Observe the result of a function."""
        node.value = self._observe_returned(node.value)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.expr:
        """Observe what a generator yields."""
        node.value = self._observe_returned(node.value)
        return node

    def _observe_returned(self, value: ast.expr | None) -> ast.expr | None:
        if value is None:
            return None
        text = _unparse(value)
        texts = (f"{text} is true", f"{text} is false", f"{text} is None")
        return self._call(_RETURNED, value, texts, self.visit(value))

    def _visit_branch(self, node: ast.If | ast.While) -> ast.stmt:
        test, node.test = node.test, ast.Constant(True)
        self.generic_visit(node)
        node.test = self._observe(test)
        return node

    def _observe(self, node: ast.expr) -> ast.expr:
        text = _unparse(node)
        return self._call(_CONDITION, node, (text, f"not ({text})"), self.visit(node))

    def _call(self, name: str, at: ast.expr, texts: tuple[str, ...], *arguments: ast.expr) -> ast.expr:
        self._sites.append((self._file, at.lineno, texts))
        function, number = ast.Name(name, ast.Load()), ast.Constant(len(self._sites) - 1)
        return ast.copy_location(ast.Call(function, [number, *arguments], []), at)


def _unparse(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"


def _list_atoms(value: Any, depth: int, room: list[int]) -> Iterator[str]:
    """Yield the strings and numbers in a value, at most `room[0]` of them.

    `room` is a list because the recursive calls share it.
    """
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
            yield from _list_atoms(part, depth - 1, room)
    elif depth and isinstance(fields := getattr(value, "__dict__", None), dict) and not isinstance(value, type):
        for part in [*fields.values()][:_ATOMS]:
            yield from _list_atoms(part, depth - 1, room)
