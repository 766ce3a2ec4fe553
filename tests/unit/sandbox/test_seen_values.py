"""Values of earlier calls that are tried in later ones."""

import enum

from activities.sandbox.inside.seen_values import SeenValues


class Colour(enum.Enum):
    RED = 1


class Text(str):
    """A text that is not a plain one, since it may lie about itself."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = str.__hash__


def test_the_newest_other_values_of_an_argument_come_first() -> None:
    seen = SeenValues()
    for value in ("=A1", "2", "=B1", "2"):
        seen.add([("text", value), ("cell", "A1")])
    assert seen.list_others("text", "=B1") == [("'2'", "2"), ("'=A1'", "=A1")]
    assert seen.list_others("cell", "A1") == []
    assert seen.list_others("unknown", 1) == []


def test_a_value_is_kept_as_it_was_when_the_call_began() -> None:
    seen = SeenValues()
    prices = [1, 2]
    seen.add([("prices", prices)])
    prices.append(3)
    assert seen.list_others("prices", prices) == [("[1, 2]", [1, 2])]


def test_only_a_few_small_plain_values_are_kept() -> None:
    seen = SeenValues()
    endless: list[object] = []
    endless.append(endless)
    for value in (object(), Colour.RED, Text("a"), [Text("a")], endless, "a" * 1_000, list(range(1_000)), [[[[1]]]]):
        seen.add([("value", value)])
    assert seen.list_others("value", None) == []
    for number in range(100):
        seen.add([("value", {"number": (number, 0.5)})])
    assert [other for _, other in seen.list_others("value", None)] == [
        {"number": (number, 0.5)} for number in range(99, 91, -1)
    ]
