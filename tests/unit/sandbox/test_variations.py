"""Variations of values by their types."""

import copy
import dataclasses
import datetime
import enum
from typing import Any

import pytest

from activities.sandbox.inside.variations import list_variations

DAY = datetime.date(2024, 1, 1)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Span:
    start: int
    open: bool = False


def vary(value: Any) -> list[Any]:
    return [change(copy.deepcopy(value)) for _, change in list_variations(value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, [4, 2, 0, -3]),
        (0, [1, -1]),
        (True, [False]),
        ("ab", ["", "b", "a", "abab", "AB", " ab", "ba"]),
        (Colour.RED, [Colour.BLUE]),
        (None, []),
        ([], []),
        (DAY, [DAY + datetime.timedelta(1), DAY - datetime.timedelta(1), DAY + datetime.timedelta(31)]),
    ],
    ids=str,
)
def test_plain_values(value: Any, expected: list[Any]) -> None:
    assert vary(value) == expected


def test_a_list_is_shortened_reordered_and_varied_within() -> None:
    varied = vary([1, 2])
    assert varied[:5] == [[], [2], [1], [2, 1], [1, 2, 1]]
    assert [2, 2] in varied
    assert [1, 3] in varied


def test_a_mapping_loses_and_changes_its_first_value() -> None:
    varied = vary({"a": 1, "b": 2})
    assert varied[:2] == [{}, {"b": 2}]
    assert {"a": 2, "b": 2} in varied


def test_the_attributes_of_an_object_are_varied_also_where_it_is_frozen() -> None:
    assert vary(Span(1)) == [Span(2), Span(0), Span(-1), Span(1, open=True)]


def test_what_is_large_stays_as_it_is() -> None:
    assert vary("x" * 10_000) == []
