"""Which of several failures an issue speaks of."""

from collections.abc import Iterable

import pytest

from activities.retrieval.index import build_index
from activities.retrieval.query import Query
from activities.retrieval.search import Search
from activities.retrieval.target import choose_groups, group_failures, match_tests, weigh_groups
from hydranet.contracts import TestResult
from hydranet.errors import FatalError

FILES = {
    "shop/names.py": "def normalise(name):\n    '''The plain name of a food.'''\n    return name.lower()\n",
    "shop/prices.py": "def parse_price(text):\n    return float(text)\n",
    "shop/stock.py": "class Stock:\n    def take(self, item):\n        return self.items[item]\n",
    "tests/test_names.py": (
        "def test_hyphens():\n    assert normalise('Free-Range') == 'free range'\n\n\n"
        "def test_blanks():\n    assert normalise(' a ') == 'a'\n"
    ),
    "tests/test_prices.py": ("def test_comma(text):\n    assert parse_price('1,5') == 1.5\n"),
    "tests/test_stock.py": "def test_take_what_is_gone():\n    assert Stock().take('egg') is None\n",
}
HYPHENS = TestResult(
    id="tests/test_names.py::test_hyphens",
    outcome="failed",
    message=(
        "    def test_hyphens():\n>       assert normalise('Free-Range') == 'free range'\n"
        "E       AssertionError: assert 'free-range' == 'free range'\n\ntests/test_names.py:2: AssertionError"
    ),
)
BLANKS = TestResult(
    id="tests/test_names.py::test_blanks",
    outcome="failed",
    message=(
        "    def test_blanks():\n>       assert normalise(' a ') == 'a'\n"
        "E       AssertionError: assert ' a ' == 'a'\n\ntests/test_names.py:6: AssertionError"
    ),
)
COMMAS = [
    TestResult(
        id=f"tests/test_prices.py::test_comma[{text}]",
        outcome="failed",
        message=(
            f"text = '{text}'\n\n    def test_comma(text):\n>       assert parse_price('1,5') == 1.5\n\n"
            "tests/test_prices.py:2:\n_ _ _\n\n    def parse_price(text):\n>       return float(text)\n"
            "E       ValueError: could not convert string to float: '1,5'\n\nshop/prices.py:2: ValueError"
        ),
    )
    for text in ("1,5", "2,5")
]
TAKE = TestResult(
    id="tests/test_stock.py::test_take_what_is_gone",
    outcome="failed",
    message=(
        "    def test_take_what_is_gone():\n>       assert Stock().take('egg') is None\n\ntests/test_stock.py:2:\n_\n\n"
        "    def take(self, item):\n>       return self.items[item]\n"
        "E       AttributeError: 'Stock' object has no attribute 'items'\n\nshop/stock.py:3: AttributeError"
    ),
)
FAILING = [HYPHENS, BLANKS, *COMMAS, TAKE]


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(build_index({path: text.encode() for path, text in FILES.items()}))


def meant(search: Search, issue: str, tests: Iterable[TestResult] = FAILING) -> set[str]:
    failing = list(tests)
    groups = group_failures(failing, search.index)
    chosen = choose_groups(weigh_groups(groups, failing, issue, search.find(Query(issue))))
    return {failing[test].id for number in chosen for test in groups[number].tests}


def ids(*tests: TestResult) -> set[str]:
    return {test.id for test in tests}


def test_tests_that_fail_in_the_same_code_are_one_group(search: Search) -> None:
    groups = group_failures(FAILING, search.index)
    assert [group.tests for group in groups] == [(0, 1), (2, 3), (4,)]
    assert [group.describe(FAILING, search.index) for group in groups] == [
        "AssertionError in normalise()",
        "ValueError in parse_price()",
        "AttributeError in Stock.take()",
    ]


@pytest.mark.parametrize(
    ("issue", "tests"),
    [
        ("Names with a hyphen are not found\n\n`normalise('Free-Range')` keeps it.", (HYPHENS, BLANKS)),
        ("A hyphen in the name of a food stays where it is", (HYPHENS, BLANKS)),
        ("ValueError: could not convert string to float when the price has a comma", COMMAS),
        ("Prices with a comma cannot be read", COMMAS),
        ("Taking an item that is gone from the stock raises an AttributeError", (TAKE,)),
        ("See shop/stock.py: what is not there should give None", (TAKE,)),
        ("tests/test_stock.py::test_take_what_is_gone fails on main", (TAKE,)),
        ('File "shop/prices.py", line 2, in parse_price\nValueError', COMMAS),
    ],
)
def test_the_group_that_the_issue_speaks_of_is_meant(search: Search, issue: str, tests: tuple[TestResult, ...]) -> None:
    assert meant(search, issue) == ids(*tests)


@pytest.mark.parametrize("issue", ["The tests fail", "It is broken since yesterday, please help.", "x"])
def test_an_issue_that_tells_nothing_means_all(search: Search, issue: str) -> None:
    assert meant(search, issue) == ids(*FAILING)


def test_an_issue_that_speaks_of_two_groups_means_both(search: Search) -> None:
    issue = "`parse_price` does not read '1,5', and `Stock.take` raises AttributeError"
    assert meant(search, issue) == ids(*COMMAS, TAKE)


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("tests/test_names.py", {0, 1}),
        ("test_names.py", set()),
        ("tests/test_prices.py::test_comma", {2, 3}),
        ("test_comma", {2, 3}),
        ("tests/test_prices.py::test_comma[2,5]", {3}),
        ("*blank*", {1}),
        ("tests", {0, 1, 2, 3, 4}),
    ],
)
def test_a_pattern_names_tests(pattern: str, numbers: set[int]) -> None:
    if numbers:
        assert match_tests(FAILING, [pattern]) == numbers
        return
    with pytest.raises(FatalError, match=r"names no test that fails at HEAD: name one of tests/test_names\.py"):
        match_tests(FAILING, [pattern])


def test_unittest_ids_are_named_by_module_class_or_method() -> None:
    tests = [TestResult(id=f"tests.test_a.TestA.test_{name}", outcome="failed") for name in ("one", "two")]
    assert match_tests(tests, ["tests.test_a"]) == {0, 1}
    assert match_tests(tests, ["TestA.test_two"]) == {1}
