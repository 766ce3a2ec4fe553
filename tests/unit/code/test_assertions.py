"""What tests assert: alike where their set-ups differ, and told by the issue or not."""

import pytest

from activities.code.assertions import Assertion, are_told, find_assertion, is_complained_of, is_told, read_actual

SAME = [
    "assert total([]) == 0",
    "result = total([1, 2])\nassert result == 0",
    "prices = []\nresult = total(prices)\nassert 0 == result",
    "self.assertEqual(total([]), 0)",
]


def read(code: str, line: int = 0) -> Assertion:
    assertion = find_assertion(code, line)
    assert assertion is not None
    return assertion


@pytest.mark.parametrize("code", SAME)
def test_tests_that_assert_the_same_are_alike(code: str) -> None:
    assert read(code) == Assertion(("total()",), "Eq", "0")


@pytest.mark.parametrize(
    "code",
    [
        "assert total([]) == 1",
        "assert total([]) != 0",
        "assert count([]) == 0",
        "assert cart.total().amount == 0",
        "assert total([])[0] == 0",
        "assert total(2) == 0",
        "assert not total([])",
        "with pytest.raises(ValueError):\n    total([])",
    ],
)
def test_tests_that_assert_something_else_are_not(code: str) -> None:
    assert read(code) != read(SAME[0])


def test_the_check_at_the_line_that_fails_counts() -> None:
    code = "x = f(1)\nassert x.a == 1\nassert x.b == 2\nassert x.c == 3"
    assert read(code, 3) == Assertion(("b", "f(1)"), "Eq", "2")
    assert read(code) == Assertion(("c", "f(1)"), "Eq", "3")
    assert find_assertion("f()", 1) is None


def test_variables_that_are_set_in_a_circle_or_twice_are_not_followed() -> None:
    assert read("a = b\nb = a\nassert a == 1").expected == "1"
    assert read("a = f(a)\nassert a == 1").calls[0] == "f()"
    assert read("a = f(1)\na = g(a)\nassert a == 1").calls == ()


@pytest.mark.parametrize(
    ("expected", "issue", "told"),
    [
        ("'free range egg'", "it should be free range egg", True),
        ("'a'", "an a", False),
        ("'Egg'", "normal('Eggs')", False),
        ("52.8", "where 52.8 kg are in it", True),
        ("4.5", "it says 4.50", True),
        ("52", "where 52.8 kg are in it", False),
        ("2", "item 12", False),
        ("1", "there is 1", False),
        ("True", "it is True", False),
        ("None", "it is None", False),
        ("[1, 2]", "it gives [1,2]", True),
        ("[2, 1]", "it gives 1 and 2", False),
        ("[]", "it gives []", False),
        ("Amount(2)", "it gives Amount(2)", False),
    ],
)
def test_a_value_is_told_where_the_issue_has_it(expected: str, issue: str, told: bool) -> None:
    assert is_told(expected, issue) is told


@pytest.mark.parametrize(
    ("message", "actual"),
    [
        (">       assert f() == 7\nE       assert 8 == 7\nE        +  where 8 = f()", "8"),
        ("E       AssertionError: assert 'a == b' == 'a'", "'a == b'"),
        ("E       AssertionError: It is wrong.\nE       assert 480 == 4.75", "480"),
        ("E       assert False", ""),
        ("E       assert not True", ""),
        ("E   ValueError: no == there", ""),
        ("", ""),
    ],
)
def test_the_value_that_a_comparison_met_is_read(message: str, actual: str) -> None:
    assert read_actual(message) == actual


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ("475", "480", True),
        ("4.75", "4.8", True),
        ("4.75", "480", False),
        ("475", "4.8", False),
        ("475", "477", False),
        ("475", "", False),
        ("'475'", "'480'", False),
    ],
)
def test_both_values_are_told_in_the_same_unit(expected: str, actual: str, told: bool) -> None:
    assert are_told(expected, actual, "It quotes 4.80, but the fare is 4.75.") is told


@pytest.mark.parametrize(
    ("expected", "issue", "complained"),
    [
        ("['AB12 DOV DOV']", "The printed line is `AB12 DOV DOV`: it is there twice.", True),
        ("'AB12 DOV DOV'", "It prints AB12 DOV DOV. It should print each once.", True),
        ("'AB12 DOV'", "It prints AB12 DOV DOV. It should be AB12 DOV.", False),
        ("'AB12 DOV DOV'", "AB12 DOV DOV is expected, but it prints AB12 DOV.", False),
        ("'free range egg'", "normal gives free-range egg.", False),
        ("'egg'", "It gives egg.", False),
        ("4.75", "It quotes 4.75.", False),
        ("Amount(", "It gives Amount(.", False),
    ],
)
def test_what_an_issue_quotes_as_wrong_is_no_expectation(expected: str, issue: str, complained: bool) -> None:
    assert is_complained_of(expected, issue) is complained
