"""What the examples of an issue expect."""

import pytest

from activities.code.issue_examples import find_examples
from hydranet.contracts.expectations import ExpectationKind

FENCED = "It is wrong.\n\n```python\n{}\n```\n{}"


def expected(issue: str) -> list[tuple[str, str]]:
    shown = []
    for wish in find_examples(issue):
        code = f"{wish.exception}: {wish.code}" if wish.exception else wish.code
        shown.append((wish.kind.value, f"{wish.setup}; {code}" if wish.setup else code))
    return shown


HOLDS, RAISES, RUNS = (kind.value for kind in (ExpectationKind.HOLDS, ExpectationKind.RAISES, ExpectationKind.RUNS))


@pytest.mark.parametrize(
    ("issue", "wishes"),
    [
        ("`total([1, 2])` returns 4 instead of 3.", [(HOLDS, "total([1, 2]) == 3")]),
        ("`total([1, 2])` gives 4, expected 3", [(HOLDS, "total([1, 2]) == 3")]),
        ("Calling `slug('A B')` should return 'a-b', but it does not.", [(HOLDS, "slug('A B') == 'a-b'")]),
        ("`find('x')` should be `None`.", [(HOLDS, "find('x') is None")]),
        ("`parse('')` raises IndexError", [(RUNS, "parse('')")]),
        ("`parse('')` raises `IndexError` instead of returning `[]`.", [(HOLDS, "parse('') == []")]),
        ("`parse('x')` should raise a ValueError", [(RAISES, "ValueError: parse('x')")]),
        ("I expect that `add(1, 2) == 3`.", [(HOLDS, "add(1, 2) == 3")]),
        (">>> slug('A B')\n'a b'\n\nExpected: 'a-b'", [(HOLDS, "slug('A B') == 'a-b'")]),
        (">>> from shop import slug\n>>> slug('A B')\n'a-b'", [(HOLDS, "from shop import slug; slug('A B') == 'a-b'")]),
        (
            ">>> parse('')\nTraceback (most recent call last):\n  File \"a.py\", line 2, in f\nIndexError: list index",
            [(RUNS, "parse('')")],
        ),
        (
            FENCED.format(">>> rows = [1,\n...         2]\n>>> total(rows)\n4", "but I expected 3."),
            [(HOLDS, "rows = [1,\n        2]; total(rows) == 3")],
        ),
        (FENCED.format("assert slug('A') == 'a'", ""), [(HOLDS, "slug('A') == 'a'")]),
        (
            FENCED.format("x = load('f')\nprint(x.size(2))  # should be 4", ""),
            [(HOLDS, "x = load('f'); x.size(2) == 4")],
        ),
        (FENCED.format("slug('A B')  # 'a b', expected 'a-b'", ""), [(HOLDS, "slug('A B') == 'a-b'")]),
        (FENCED.format("slug('A B')\n# => 'a-b'", ""), [(HOLDS, "slug('A B') == 'a-b'")]),
        (FENCED.format("slug('A#B')  # TypeError: bad", ""), [(RUNS, "slug('A#B')")]),
        (
            "```py\nclass A(Schema):\n    at = fields.List(fields.DateTime())\n\ns = A()\n```\n\nTraceback:\n```\n"
            'Traceback (most recent call last):\n  File "t.py", line 8, in <module>\n    s = A()\n'
            "AttributeError: 'List' object has no attribute 'opts'\n```",
            [(RUNS, "class A(Schema):\n    at = fields.List(fields.DateTime()); s = A()")],
        ),
        (
            FENCED.format("load({'a': 1})", "\n```\nshop.errors.ValidationError: {'a': 'Not valid.'}\n```"),
            [(RUNS, "load({'a': 1})")],
        ),
        ("`area(2) * 2` should equal 8.5", [(HOLDS, "(area(2) * 2) == 8.5")]),
    ],
)
def test_an_example_says_what_is_expected(issue: str, wishes: list[tuple[str, str]]) -> None:
    assert expected(issue) == wishes


def test_line_ends_of_windows_are_line_ends() -> None:
    issue = "```python\nx = 1\nload(x)  # should be 2\n```".replace("\n", "\r\n")
    assert expected(issue) == [(HOLDS, "x = 1; load(x) == 2")]


@pytest.mark.parametrize(
    "issue",
    [
        "",
        "The invoice is a cent too low.",
        "`total` is slow.",
        "`total()` should be documented.",
        "Please add `shop.total(prices, tax=...)` for taxes.",
        "Upgrade to 3.0 should be possible with `pip install x`.",
        "```\npip install shop\n```\nfails.",
        "```yaml\nkey: value\n```",
        '```\nTraceback (most recent call last):\n  File "a.py", line 1\nValueError: x\n```',
        ">>> import shop\n>>> x = (\n",
        "`" * 1000,
        "```python\n" * 500,
        ">>> " * 2000,
        "\0`f(1)` returns 2",
    ],
)
def test_an_issue_without_an_example_expects_nothing(issue: str) -> None:
    assert expected(issue) == []


def test_the_error_that_is_seen_now_is_known() -> None:
    (wish,) = find_examples("`parse('')` raises IndexError")
    assert wish.fails_with == "IndexError"
    assert wish.source == "the issue's example \"parse('')\""
