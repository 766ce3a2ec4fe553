"""Literals of a source as texts that can be compared: equal values have the same key."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_CHARACTERS = 500
_MOST = 10**15
_DEPTH = 8
_NUMBER = re.compile(r"(?<![\w.])\d{1,15}(?:_\d{1,15}){0,4}(?:\.\d{1,15})?(?!\w|\.\d)")
_WORD = re.compile(r"[A-Za-z_][\w.-]{0,23}")
# Numbers up to here are months, weekdays, bases and counts as often as they are somebody's example.
_SMALL = 12


def get_key(node: ast.AST | None) -> str:
    """Return the key of what an expression of literals gives; empty for any other, and for one that is too large."""
    try:
        return make_key(_evaluate(node, _DEPTH))
    except (ValueError, TypeError):
        return ""


def make_key(value: object) -> str:
    """Return the key of a value: an integer and a float that are equal have the same, and so have tuple and list."""
    return repr(_normalise(value, _DEPTH))[:_CHARACTERS]


def list_keys(root: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the literals of a tree with their keys, whole collections and their elements alike."""
    for node in ast.walk(root):
        if isinstance(node, ast.Constant | ast.UnaryOp | ast.Tuple | ast.List | ast.Set | ast.Dict) and (
            key := get_key(node)
        ):
            yield node, key


def is_trivial(key: str) -> bool:
    """Return whether a value stands in so many programs that it says nothing: 0, 1, "", None, an empty list."""
    value = _read_key(key)
    match value:
        case bool() | None:
            return True
        case int():
            return abs(value) <= 2
        case str() | bytes() | list():
            return len(value) < 2
    return False


def is_weak(key: str) -> bool:
    """Return whether a value may well be a word of the problem rather than the example of a test."""
    value = _read_key(key)
    match value:
        case bool() | None:
            return True
        case int():
            is_round = len(str(abs(value)).rstrip("0")) == 1 or abs(value) & (abs(value) - 1) == 0
            return abs(value) <= _SMALL or is_round
        case str():
            return len(value) < 3 or _WORD.fullmatch(value) is not None
        case bytes() | list():
            return len(value) < 2
    return False


def list_numbers(text: str) -> frozenset[str]:
    """Return the keys of the numbers in a text, without their signs."""
    values = map(float, _NUMBER.findall(text))
    return frozenset(make_key(value) for value in values if value < _MOST)


def occurs_in(key: str, text: str) -> bool:
    """Return whether a text has the value of a key that is no number; `list_numbers` gives those."""
    value = _read_key(key)
    if isinstance(value, str | bytes):
        plain = value if isinstance(value, str) else value.decode(errors="replace")
        return plain in text or repr(plain)[1:-1] in text
    if isinstance(value, int | float):
        return False
    return _squeeze(key) in _squeeze(text)


def _read_key(key: str) -> object:
    try:
        return ast.literal_eval(key)
    except (ValueError, SyntaxError):
        return key  # It was cut.


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text).replace("(", "[").replace(")", "]").replace('"', "'")


def _evaluate(node: ast.AST | None, depth: int) -> object:
    if depth == 0:
        raise ValueError("too deep")
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _evaluate_number(operand, depth)
            return -number if isinstance(sign, ast.USub) else number
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
            first, second = _evaluate_number(left, depth), _evaluate_number(right, depth)
            if isinstance(op, ast.Add):
                return first + second
            return first - second if isinstance(op, ast.Sub) else first * second
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [_evaluate(element, depth - 1) for element in elements]
        case ast.Set(elts=elements):
            return [_evaluate(element, depth - 1) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return [[_evaluate(item, depth - 1) for item in pair] for pair in zip(keys, values, strict=True)]
    raise ValueError("no literal")


def _evaluate_number(node: ast.AST, depth: int) -> int | float:
    value = _evaluate(node, depth - 1)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST < value < _MOST:
        raise ValueError("no number")
    return value


def _normalise(value: object, depth: int) -> object:
    match value:
        case bool() | None | str() | bytes():
            return value[:_CHARACTERS] if isinstance(value, str | bytes) else value
        case int() if -_MOST < value < _MOST:
            return value
        case float() if -_MOST < value < _MOST:
            return int(value) if value.is_integer() else value
        case list() | tuple() if depth > 0:
            return [_normalise(item, depth - 1) for item in value[:_CHARACTERS]]
        case dict() if depth > 0:
            return [[_normalise(item, depth - 1) for item in pair] for pair in [*value.items()][:_CHARACTERS]]
    raise ValueError("no literal")
