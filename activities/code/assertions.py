"""What a test asserts: its failing check with the variables filled in, and the values that it expects."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

# Variables that stand for each other more often than this are not followed.
_DEPTH = 6
_SHOWN = 200
_LEAST_TEXT, _CENTS = 3, 100

_LEAST_QUOTED = 8

# What is said of a value that is wanted.
_WANTED = re.compile(
    r"\b(?:should|shall|must|expect\w*|want\w*|ought|instead of|rather than|correct(?:ly)?|right(?:ly)?)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")

_COMPARED = re.compile(r"^E +(?:AssertionError: )?(?:.*\n?E +)?assert (?P<left>.+) == .+$", re.MULTILINE)


@dataclass(frozen=True)
class Assertion:
    """One check of a test: the functions that it calls, in what relation, and the value that it expects.

    Two tests whose checks are equal assert the same, however their set-ups differ.
    """

    calls: tuple[str, ...]
    relation: str
    expected: str


def are_told(expected: str, actual: str, issue: str) -> bool:
    """Return whether an issue has both what is expected and what comes; both may be in cents where it writes units."""
    if is_told(expected, issue) and is_told(actual, issue):
        return True
    return all(value.isdigit() and is_told(f"{int(value) / _CENTS:.2f}", issue) for value in (expected, actual))


def is_complained_of(expected: str, issue: str) -> bool:
    """Return whether an issue quotes a text that a test expects, and nowhere as what is wanted."""
    try:
        tree = ast.parse(expected, mode="eval")
    except SyntaxError:
        return False
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    quoted = [text for text in texts if len(text) >= _LEAST_QUOTED and text in issue]
    sentences = _SENTENCE.split(issue)
    return any(not any(text in sentence and _WANTED.search(sentence) for sentence in sentences) for text in quoted)


def is_told(literal: str, issue: str) -> bool:
    """Return whether an issue has a value, and not by chance, as it may have a 1."""
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return False
    if isinstance(value, str):
        text = value.strip()
        return len(text) >= _LEAST_TEXT and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", issue) is not None
    if isinstance(value, bool | None) or value in (0, 1):
        return False
    if isinstance(value, int | float):
        return re.search(rf"(?<![\w.]){re.escape(f'{value:g}')}0*(?!\w|\.\d)", issue) is not None
    return bool(value) and _squeeze(literal) in _squeeze(issue)


def read_actual(message: str) -> str:
    """Return the value that a comparison met in place of the expected one, as pytest shows it; empty where it has none.

    Of a list or a string that is too long to be shown whole there is none either.
    """
    shown = _COMPARED.search(message)
    return shown["left"] if shown else ""


def find_assertion(code: str, line: int) -> Assertion | None:
    """Return the check at a line of a test's code, or its last check; None where it has none."""
    tree = ast.parse(code)
    checks = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _is_check(node)]
    if not checks:
        return None
    at_line = [node for node in checks if node.lineno <= line <= (node.end_lineno or node.lineno)]
    return _read_check((at_line or checks)[-1], _list_variables(tree))


def _is_check(node: ast.stmt) -> bool:
    match node:
        case ast.Assert() | ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="raises")))]):
            return True
        case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr=name)))]):
            return name.startswith("assertRaises")
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name.startswith("assert")
    return False


def _list_variables(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the values of the variables that are set once."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name in [inner for inner in ast.walk(target) if isinstance(inner, ast.Name)]:
                    values.setdefault(name.id, []).append(node.value if target is name else name)
    return {name: own[0] for name, own in values.items() if len(own) == 1}


class _Inlined(ast.NodeTransformer):
    def __init__(self, variables: dict[str, ast.expr], depth: int) -> None:
        self._variables = variables
        self._depth = depth

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._variables.get(node.id)
        if value is None or not self._depth or isinstance(value, ast.Name):
            return node
        return _inline(value, self._variables, self._depth - 1)


def _inline(expression: ast.expr, variables: dict[str, ast.expr], depth: int = _DEPTH) -> ast.expr:
    # A copy: what stands in the tree is read again for other variables.
    copied = ast.parse(ast.unparse(expression), mode="eval").body
    inlined: ast.expr = _Inlined(variables, depth).visit(copied)
    return inlined


def _read_check(node: ast.stmt, variables: dict[str, ast.expr]) -> Assertion:
    match node:
        case ast.Assert(test=ast.Compare(left=left, ops=[operator], comparators=[right])):
            return _compare(left, type(operator).__name__, right, variables)
        case ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=inner)):
            return Assertion(_list_calls(_inline(inner, variables)), "IsFalse", "")
        case ast.Assert(test=test):
            return Assertion(_list_calls(_inline(test, variables)), "IsTrue", "")
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="assertEqual"), args=[left, right, *_])):
            return _compare(left, "Eq", right, variables)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name), args=arguments)):
            calls = tuple(call for argument in arguments for call in _list_calls(_inline(argument, variables)))
            return Assertion(calls, name, "")
        case ast.With(items=[ast.withitem(context_expr=ast.Call(args=arguments))], body=body):
            calls = tuple(
                call
                for statement in body
                for inner in ast.walk(statement)
                if isinstance(inner, ast.Expr)
                for call in _list_calls(_inline(inner.value, variables))
            )
            return Assertion(calls, "Raises", ", ".join(map(ast.unparse, arguments[:1])))
    return Assertion((), "", "")


def _compare(left: ast.expr, operator: str, right: ast.expr, variables: dict[str, ast.expr]) -> Assertion:
    sides = [_inline(left, variables), _inline(right, variables)]
    if _weigh(sides[1]) > _weigh(sides[0]):
        sides.reverse()
    return Assertion(_list_calls(sides[0]), operator, ast.unparse(sides[1])[:_SHOWN])


def _weigh(side: ast.expr) -> int:
    """Return how much a side of a comparison looks like the one that is tested: what is expected is plain."""
    return sum(isinstance(node, ast.Call | ast.Attribute | ast.Subscript) for node in ast.walk(side))


def _list_calls(expression: ast.expr) -> tuple[str, ...]:
    """Return the functions whose result is looked at, the outermost first, with their plain arguments."""
    calls: list[str] = []
    node: ast.AST = expression
    while True:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ("len", "list", "sorted", "str", "set"):
                calls.append(name)
                node = first
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                calls.append(f"{name}({_list_plain(node)})")
                node = value
            case ast.Call(func=ast.Name(id=name)):
                return (*calls, f"{name}({_list_plain(node)})")
            case ast.Attribute(value=value, attr=name):
                calls.append(name)
                node = value
            case ast.Subscript(value=value, slice=index):
                calls.append(f"[{ast.unparse(index)}]")
                node = value
            case ast.ListComp(elt=element, generators=[ast.comprehension(iter=source)]):
                calls += _list_calls(element)
                node = source
            case _:
                return tuple(calls)


def _list_plain(call: ast.Call) -> str:
    """Return the arguments of a call that are plain values: those that a draft makes differ from draft to draft."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return ", ".join(ast.unparse(value) for value in given if isinstance(value, ast.Constant | ast.UnaryOp))


def _squeeze(text: str) -> str:
    return "".join(text.split()).replace('"', "'")
