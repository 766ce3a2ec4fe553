"""Which of two candidates that both pass is preferred."""

import pytest

from activities.sandbox.doubts import measure_cost, measure_doubts
from hydranet.patches import make_diff

CODE = "def f(a, b):\n    if a < b:\n        return a\n    return b\n"


def changed(old: str, new: str) -> int:
    assert old in CODE
    return measure_cost(make_diff("f.py", CODE, CODE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "simple", "other"),
    [
        ("a < b", "a <= b", "a < b or a == b"),
        ("a < b", "a < f(b)", "a < 17"),
        ("return b", "return b + a", "return b if a != 'x' else a"),
        ("return a", "return b", "return b + b"),
    ],
)
def test_less_change_and_fewer_new_values_are_preferred(old: str, simple: str, other: str) -> None:
    assert changed(old, simple) < changed(old, other)


def test_what_is_only_moved_or_spaced_costs_no_value() -> None:
    assert changed("a < b", "a  <  b") == 0
    assert changed("return b", "return f(1, b)") > changed("return b", "return f(a, b)")


def test_what_keeps_the_code_and_adds_to_it_is_preferred_to_what_takes_away() -> None:
    assert changed("return b", "return max(a, b)") < changed("return b", "return a")
    assert changed("a < b", "a < b and a") < changed("if a < b:", "if a:")


def test_who_comes_first_is_preferred_unless_it_changes_much_more() -> None:
    small = CODE.replace("a < b", "a <= b")
    large = "def f(a, b):\n    return sorted([a, b, 17, 18, 'x'])[0]\n"
    diffs = [make_diff("f.py", CODE, text) for text in (small, small, large)]
    first, second, _ = measure_doubts(dict(enumerate(diffs))).values()
    assert first < second
    first, second = measure_doubts({3: diffs[2], 7: diffs[0]}).values()
    assert first > second
