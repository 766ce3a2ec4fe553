"""Replacements in the text of a source."""

import ast

import pytest

from activities.code.python_source import parse_source
from activities.localisation.source import Replacement, Source, parse_expression


def replaced(code: str, old: str, new: str) -> str:
    source = Source.parse("a.py", code)
    assert source is not None
    nodes = (node for node in ast.walk(source.tree) if isinstance(node, ast.expr))
    return source.apply([source.replace(next(node for node in nodes if source.text_of(node) == old), new)])


@pytest.mark.parametrize(
    ("code", "old", "new", "result"),
    [
        ("x = a * b\n", "a", "c + d", "x = (c + d) * b\n"),
        ("x = a + b\n", "a", "c * d", "x = c * d + b\n"),
        ("x = a - b\n", "b", "c - d", "x = a - (c - d)\n"),
        ("x = a ** b\n", "a", "c ** d", "x = (c ** d) ** b\n"),
        ("x = (a) * b\n", "a", "c + d", "x = (c + d) * b\n"),
        ("x = not a\n", "a", "b and c", "x = not (b and c)\n"),
        ("x = a and b\n", "b", "c or d", "x = a and (c or d)\n"),
        ("x = a or b\n", "b", "c and d", "x = a or c and d\n"),
        ("x = a < b\n", "b", "c < d", "x = a < (c < d)\n"),
        ("x = a.b\n", "a", "c or d", "x = (c or d).b\n"),
        ("x = a[b]\n", "b", "c, d", "x = a[c, d]\n"),
        ("f(a)\n", "a", "c, d", "f((c, d))\n"),
        ("x = a\n", "a", "c if d else e", "x = c if d else e\n"),
        ("x = -a\n", "a", "c + d", "x = -(c + d)\n"),
        ("f(n for n in a)\n", "a", "b or c", "f(n for n in b or c)\n"),
        ("f(n for n in a)\n", "(n for n in a)", "b", "f(b)\n"),
        ("é = 'ü'; x = a  # ä\n", "a", "b", "é = 'ü'; x = b  # ä\n"),
        ("x = '''\nü''' + a\r\ny = 1\r\n", "a", "b", "x = '''\nü''' + b\r\ny = 1\r\n"),
    ],
)
def test_an_expression_is_replaced_in_its_place(code: str, old: str, new: str, result: str) -> None:
    assert replaced(code, old, new) == result


def test_replacements_are_applied_together() -> None:
    source = Source.parse("a.py", "abc = 1\n")
    assert source is not None
    assert source.apply([Replacement(0, 1, "x"), Replacement(2, 3, ""), Replacement(7, 7, "0")]) == "xb = 10\n"


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        "x = 'unfinished\n",
        "\x00",
        "(" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "[" * 3000 + "]" * 3000,
        "\udcff = 1",
        "print 'old'\n",
        "x = 1\n" * 200_000,
    ],
)
def test_text_that_is_not_python_gives_no_source(text: str) -> None:
    assert Source.parse("a.py", text) is None


def test_a_deeply_nested_expression_never_raises() -> None:
    text = "x = " + " + ".join(["1"] * 20_000)
    assert parse_source(text) is None or Source.parse("a.py", text) is not None


def test_text_that_warns_is_parsed_quietly() -> None:
    assert parse_source("x = '\\d' is 1\n") is not None


def test_expressions() -> None:
    assert isinstance(parse_expression("a, b"), ast.Tuple)
    assert parse_expression("a b") is None
