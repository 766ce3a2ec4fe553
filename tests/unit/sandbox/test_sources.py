"""Python that makes values and calls again."""

import datetime
import enum
import sys
import types
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from activities.sandbox.inside.sources import Source, UnwritableError


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Span:
    start: int
    end: int = 0
    tags: list[str] = field(default_factory=list)


class Room:
    def __init__(self, name: str, bookings: list[Span] | None = None, *, size: int = 1) -> None:
        self.name = name
        self._bookings = bookings or []
        self.size = size

    def use(self, at: int, step: int = 1) -> int:
        return at + step

    @property
    def label(self) -> str:
        return self.name

    @staticmethod
    def parse(text: str) -> str:
        return text

    @classmethod
    def make(cls, name: str) -> "Room":
        return cls(name)


class Derived:
    """Its objects hold what its parameter does not tell."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.others = [seed]


Pair = namedtuple("Pair", "left right")


def total(prices: list[int], *more: int, factor: int = 1, **named: int) -> int:
    return sum(prices) * factor


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what stands here be of a module that is no test."""
    shop = types.ModuleType("shop")
    for thing in (Colour, Span, Room, Derived, Pair, total):
        setattr(shop, thing.__name__, thing)
        monkeypatch.setattr(thing, "__module__", "shop")
    for name in ("use", "label", "parse", "make"):
        method = Room.__dict__[name]
        monkeypatch.setattr(getattr(method, "fget", getattr(method, "__func__", method)), "__module__", "shop")
    monkeypatch.setitem(sys.modules, "shop", shop)


@pytest.mark.parametrize(
    ("value", "code", "setup"),
    [
        ([1, (2,), {"a": None}], "[1, (2,), {'a': None}]", ""),
        (float("inf"), "float('inf')", ""),
        (frozenset(), "frozenset()", ""),
        (Colour.RED, "Colour.RED", "from shop import Colour"),
        (Span(1, 0, ["x"]), "Span(1, tags=['x'])", "from shop import Span"),
        (Pair(1, "b"), "Pair(1, 'b')", "from shop import Pair"),
        (Room("a", [Span(1)], size=3), "Room('a', [Span(1)], size=3)", "from shop import Room\nfrom shop import Span"),
        (datetime.date(2020, 2, 29), "datetime.date(2020, 2, 29)", "import datetime"),
        (Decimal("1.50"), "Decimal('1.50')", "from decimal import Decimal"),
        (total, "total", "from shop import total"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_value_is_written_with_its_imports(value: Any, code: str, setup: str) -> None:
    source = Source()
    assert source.write_value(value) == code
    assert source.setup == setup


def list_unwritable() -> dict[str, Any]:
    itself: list[Any] = []
    itself.append(itself)
    derived = Derived(1)
    derived.others.append(2)
    return {
        "itself": itself,
        "other than it is made": derived,
        "not a number": float("nan"),
        "a closure": lambda: derived,
        "too much": list(range(1_000)),
        "too long": "x" * 2_000,
        "a module": sys,
    }


@pytest.mark.parametrize("name", list_unwritable())
def test_what_does_not_come_out_the_same_is_not_written(name: str) -> None:
    with pytest.raises(UnwritableError):
        Source().write_value(list_unwritable()[name])


@pytest.mark.parametrize(
    ("function", "given", "named", "code"),
    [
        (total, [[1], 2], {"factor": 1, "other": 3}, "total([1], 2, other=3)"),
        (Room.use, [Room("a"), 4, 1], {}, "Room('a', []).use(4)"),
        (Room.__dict__["label"].fget, [Room("a")], {}, "Room('a', []).label"),
        (Room.__dict__["parse"].__func__, ["x"], {}, "Room.parse('x')"),
        (Room.__dict__["make"].__func__, [Room, "x"], {}, "Room.make('x')"),
    ],
    ids=["function", "method", "property", "static method", "class method"],
)
def test_a_call_is_written(function: Any, given: list[Any], named: dict[str, Any], code: str) -> None:
    assert Source().write_call(function, given, named) == code


def test_what_only_a_test_defines_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["shop"], "__file__", "tests/test_shop.py", raising=False)
    with pytest.raises(UnwritableError):
        Source().write_value(Span(1))
