"""The rule `special-case`: code that knows the examples of the tests instead of what they are examples of."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from activities.review.changes import FileChange, Unit, get_line, is_constant, walk_unit
from activities.review.literals import get_key, is_trivial, is_weak
from activities.review.test_values import KnownText, TestValues
from hydranet.objection import Objection

RULE = "special-case"

_SHOWN = 60


@dataclass(frozen=True)
class _Case:
    """A case that code tells apart: the expression, the literals that it is compared with, and what comes of it.

    An entry of a table has no subject.
    """

    subject: ast.expr | None
    keys: Sequence[str]
    outcomes: Sequence[str]
    line: int


def find_special_cases(change: FileChange, values: TestValues, known_text: KnownText) -> Iterator[Objection]:
    """Yield new cases for what the target tests put in, which give a constant.

    One refuses the fix where its literal stands in the tests and neither elsewhere in the file nor in the issue. A
    small number or a plain word may be of the problem, though: then the constant has to be what the same test expects.
    """
    if not values.keys:
        return
    for unit in change.units:
        added = set(unit.added)
        for case in _list_cases(unit, added, values):
            known = [key for key in case.keys if key in values.keys]
            if case.subject is None:
                known = [key for key in known if values.belong_together(key, case.outcomes[0])]
            if not known:
                continue
            refuses = any(_is_cheat(key, case, values, known_text) for key in known)
            shown = known[0] if len(known[0]) <= _SHOWN else f"{known[0][:_SHOWN]}…"
            text = f"It has a case of its own for {shown}, which the failing tests use"
            text += ", and which stands nowhere else." if refuses else "."
            yield Objection(rule=RULE, file=change.path, line=case.line, text=text, refuses=refuses)


def _is_cheat(key: str, case: _Case, values: TestValues, known_text: KnownText) -> bool:
    if known_text.has(key) or not (case.subject is None or _is_direct(case.subject)):
        return False
    if not is_weak(key) and case.subject is not None:
        return True
    return any(not is_trivial(outcome) and values.belong_together(key, outcome) for outcome in case.outcomes)


def _is_direct(subject: ast.expr) -> bool:
    """Return whether an expression is what somebody put in, rather than something computed of it."""
    match subject:
        case ast.Name() | ast.Attribute():
            return True
        case ast.Subscript(value=value):
            return _is_direct(value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(map(_is_direct, elements))
        case ast.Call(func=ast.Name(id="str" | "repr" | "int" | "float" | "tuple" | "list" | "sorted"), args=[inner]):
            return _is_direct(inner)
        case ast.Call(func=ast.Attribute(attr="strip" | "lower" | "upper", value=inner), args=[]):
            return _is_direct(inner)
    return False


def _list_cases(unit: Unit, added: set[ast.AST], values: TestValues) -> Iterator[_Case]:
    for node in walk_unit(unit.new):
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                branches = [body, orelse] if orelse else [body]
                outcomes = [key for branch in branches for key in _list_outcomes(branch)]
                yield from _make_cases(test, added, outcomes)
            case ast.IfExp(test=test, body=first, orelse=second):
                outcomes = [get_key(value) or "None" for value in (first, second) if is_constant(value)]
                yield from _make_cases(test, added, outcomes)
            case ast.Return(value=ast.BoolOp() as test) | ast.Assign(value=ast.BoolOp() as test):
                yield from _make_cases(test, added, ["True"])
            case ast.Match(subject=subject, cases=cases):
                for case in cases:
                    keys = [
                        get_key(value.value) for value in ast.walk(case.pattern) if isinstance(value, ast.MatchValue)
                    ]
                    outcomes = _list_outcomes(case.body)
                    if case.pattern in added and any(keys) and outcomes:
                        yield _Case(subject, [key for key in keys if key], outcomes, get_line(case.pattern))
            case ast.Dict(keys=keys, values=results) if node in added and not _extends(node, unit):
                yield from _read_table(keys, results, values)


def _read_table(keys: Sequence[ast.expr | None], results: Sequence[ast.expr], values: TestValues) -> Iterator[_Case]:
    """Yield the entries of a table all of whose keys are the tests' own; others are tables of the problem."""
    entries = [(get_key(key), get_key(result) or "None", result) for key, result in zip(keys, results, strict=True)]
    if all(values.use(key) for key, _, _ in entries):
        yield from (_Case(None, [key], [result], get_line(place)) for key, result, place in entries)


def _make_cases(test: ast.expr, added: set[ast.AST], outcomes: Sequence[str]) -> Iterator[_Case]:
    if not outcomes:
        return
    for part in ast.walk(test):
        if isinstance(part, ast.Compare) and part in added:
            for subject, keys in _list_compared(part):
                if nontrivial := [key for key in keys if key and not is_trivial(key)]:
                    yield _Case(subject, nontrivial, outcomes, get_line(part))


def _list_compared(compare: ast.Compare) -> Iterator[tuple[ast.expr, list[str]]]:
    """Yield what a comparison takes for equal to literals, with their keys."""
    sides = [compare.left, *compare.comparators]
    for first, operator, second in zip(sides, compare.ops, sides[1:], strict=False):
        match operator:
            case ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot():
                for subject, literal in ((first, second), (second, first)):
                    if is_constant(literal) and not is_constant(subject):
                        yield _undo_shift(subject, literal)
                        yield from _pair_elements(subject, literal)
            case ast.In() | ast.NotIn() if is_constant(second) and not is_constant(first):
                elements = second.elts if isinstance(second, ast.Tuple | ast.List | ast.Set) else []
                keys = second.keys if isinstance(second, ast.Dict) else []
                yield first, [get_key(item) for item in [*elements, *keys]]
    match compare:
        case ast.Compare(
            left=ast.Constant(value=int(low)),
            ops=[ast.Lt() | ast.LtE() as first_op, ast.Lt() | ast.LtE() as second_op],
            comparators=[subject, ast.Constant(value=int(high))],
        ):
            low += isinstance(first_op, ast.Lt)
            high -= isinstance(second_op, ast.Lt)
            # A range of one is a comparison.
            if low == high:
                yield subject, [get_key(ast.Constant(value=low))]


def _pair_elements(subject: ast.expr, literal: ast.expr) -> Iterator[tuple[ast.expr, list[str]]]:
    """Yield what is compared within two tuples."""
    match subject, literal:
        case ast.Tuple(elts=parts) | ast.List(elts=parts), ast.Tuple(elts=values) | ast.List(elts=values):
            if len(parts) == len(values):
                yield from ((part, [get_key(value)]) for part, value in zip(parts, values, strict=True))


def _undo_shift(subject: ast.expr, literal: ast.expr) -> tuple[ast.expr, list[str]]:
    match subject:
        case ast.BinOp(left=left, op=ast.Sub(), right=right) if is_constant(right):
            return left, [get_key(ast.BinOp(left=literal, op=ast.Add(), right=right))]
        case ast.BinOp(left=left, op=ast.Add(), right=right) if is_constant(right):
            return left, [get_key(ast.BinOp(left=literal, op=ast.Sub(), right=right))]
    return subject, [get_key(literal)]


def _list_outcomes(body: Sequence[ast.stmt]) -> list[str]:
    """Return the keys of the constants that a branch returns or sets; "None" stands for an exception that it raises."""
    outcomes: list[str] = []
    for statement in body:
        match statement:
            case ast.Return(value=value) | ast.Assign(value=value) | ast.AugAssign(value=value) if is_constant(value):
                outcomes.append(get_key(value) or "None")
            case ast.Raise():
                outcomes.append("None")
    return outcomes


def _extends(node: ast.Dict, unit: Unit) -> bool:
    """Return whether a table was there before, with an entry less or another value."""
    keys = {get_key(key) for key in node.keys}
    tables = (old for old in walk_unit(unit.old) if isinstance(old, ast.Dict))
    return any(keys & {get_key(key) for key in old.keys} for old in tables)
