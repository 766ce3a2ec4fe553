"""Descriptions of values: what they tell, and that nothing of a value is called."""

import collections
import dataclasses
import datetime
import decimal
import enum
from typing import Any

import pytest

from activities.sandbox.inside.descriptions import describe


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Span:
    start: int
    names: list[str]


class Slotted:
    __slots__ = ("held", "unset")

    def __init__(self) -> None:
        self.held = 1


Point = collections.namedtuple("Point", "x y")


class Items(list[int]):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "True"),
        (1.5, "1.5"),
        ("it's", '"it\'s"'),
        (b"a", "b'a'"),
        (None, "None"),
        ([1, (2,), {}], "[1, (2,), {}]"),
        ((), "()"),
        ({"b": 1, "a": {3, 2}}, "{'b': 1, 'a': {2, 3}}"),
        (set(), "set()"),
        (collections.deque([1]), "deque([1])"),
        (Point(1, 2), "Point(1, 2)"),
        (Items([1]), "Items([1])"),
        (collections.Counter("aa"), "Counter({'a': 2})"),
        (Colour.RED, "Colour.RED"),
        (Span(1, ["a"]), "Span(names=['a'], start=1)"),
        (Slotted(), "Slotted(held=1)"),
        (ValueError("no", 3), "ValueError('no', 3)"),
        (datetime.date(2024, 1, 2), "datetime.date(2024, 1, 2)"),
        (decimal.Decimal("1.0"), "Decimal('1.0')"),
        (Span, "<class Span>"),
        (describe, "<function describe>"),
        (object(), "<object>"),
        (iter([]), "<list_iterator>"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_value_is_told_as_python_writes_it(value: Any, text: str) -> None:
    assert describe(value) == text


def test_a_value_that_contains_itself_has_an_end() -> None:
    value: list[Any] = [1]
    value.append(value)
    assert describe(value) == "[1, <itself>]"


@pytest.mark.parametrize(
    "value",
    [list(range(10**6)), {number: [number] for number in range(10**5)}, 10**10_000, "x" * 10**7],
    ids=["list", "dict", "int", "str"],
)
def test_a_large_value_is_told_in_short(value: Any) -> None:
    assert len(describe(value)) < 20_000


def test_long_texts_differ_where_they_are_cut() -> None:
    assert describe("x" * 10_000 + "a") != describe("x" * 10_000 + "b")


def _end(*_: Any) -> Any:
    raise SystemExit


# Whatever is asked of it ends the process.
ASKED = [
    "__repr__",
    "__str__",
    "__eq__",
    "__hash__",
    "__len__",
    "__iter__",
    "__getitem__",
    "__reduce__",
    "keys",
    "items",
]
Liar = type("Liar", (dict,), {**dict.fromkeys([*ASKED, "__getattribute__"], _end), "__class__": property(_end)})


def test_nothing_of_a_value_is_called() -> None:
    assert describe([dict.__new__(Liar)]) == "[Liar({})]"
