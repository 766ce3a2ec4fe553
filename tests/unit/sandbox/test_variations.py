"""Variations of values by their types."""

import copy
import dataclasses
import datetime
import enum
from typing import Any

import pytest

from activities.sandbox.inside.variations import Hints, list_constants, list_numbers, list_variations

DAY = datetime.date(2024, 1, 1)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Span:
    start: int
    open: bool = False


LIMIT, STEP, HUGE = 50, 7.5, 10**9


def charge(weight: int, kind: str) -> float:
    """Return the charge for a weight, by the kind of service that is wanted."""
    if kind in ("express", "post") and weight > LIMIT:
        return sum(STEP for _ in range(weight - 20))
    return HUGE if weight > 1 else float("nan")


def vary(value: Any, *constants: Any) -> list[Any]:
    return [change(copy.deepcopy(value)) for _, change in list_variations(value, Hints(constants))]


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
    assert vary(Span(1)) == [Span(2), Span(1, open=True), Span(0), Span(-1)]


def test_a_number_is_varied_to_what_the_code_may_compare_it_with() -> None:
    hints = Hints([5], numbers=[60, 3])
    varied = [change(3) for _, change in list_variations(3, hints)]
    assert varied[4:10] == [5, 6, 60, 61, 59, 65]
    assert {55, 65} <= set(varied), "the other number with a constant of the code"
    assert [change(0.5) for _, change in list_variations(0.5, hints)][3:6] == [5.0, 6.0, 4.0]


def test_the_numbers_of_a_call_are_those_in_its_arguments() -> None:
    assert list_numbers([7, "8", True, [20, 30, 40], Span(50), {"a": 60}, 1, 10**9]) == [7, 20, 40, 50]
    assert list_numbers([float("nan"), float("inf"), 2.5, [], object(), Span]) == [2.5]


def test_what_is_large_stays_as_it_is() -> None:
    assert vary("x" * 10_000) == []


def test_the_numbers_and_words_that_code_uses_are_its_constants() -> None:
    assert list_constants([charge.__code__], charge.__globals__) == [50, 7.5, 20, "nan", "express", "post"]


def test_constants_their_neighbours_sums_and_distances_take_the_place_of_a_number() -> None:
    assert vary(3, 50, 20, 2.5, "post") == [4, 2, 0, -3, 50, 51, 49, 20, 21, 19, 70, 53, -47, 23, -17]
    assert vary(3.0, 50)[4:] == [50.0, 51.0, 49.0, 53.0, -47.0]


def test_constants_take_the_place_of_texts_and_of_what_objects_hold() -> None:
    assert vary("post", 50, "express")[-1] == "express"
    assert Span(50) in vary(Span(1), 50)
    assert [1, 50] in vary([1, 2], 50)


def test_the_entry_that_a_call_names_is_varied_rather_than_the_first() -> None:
    stock = {"egg": [1], "milk": [2, 3]}
    hints = Hints(keys=frozenset({"milk", 7}))
    changes = {text: change(copy.deepcopy(stock)) for text, change in list_variations(stock, hints)}
    assert changes["without 'milk'"] == {"egg": [1]}
    assert changes["['milk'] = the first again at the end"] == {"egg": [1], "milk": [2, 3, 2]}
    assert not any("egg" in text for text in changes)
    assert "without 'egg'" in dict(list_variations(stock, Hints(keys=frozenset({"tea"}))))
    odd = {(1, 2): 5}
    assert [text for text, _ in list_variations(odd, hints)][:2] == ["empty", "without the first"]
