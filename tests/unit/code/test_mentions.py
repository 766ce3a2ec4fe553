"""Test ids, tracebacks and issues, as they are written."""

import pytest

from activities.code import mentions, test_files
from activities.code.mentions import MentionedLine

PATHS = {"shop/cart.py", "tests/test_cart.py", "decoder.py"}

TRACEBACK = """
tests/test_cart.py:8: in test_total
    assert total([1]) == 1
shop/cart.py:3: in total
    return helper(prices)
  File "/somewhere/work/shop/cart.py", line 9, in helper
  File "/usr/lib/python3/site-packages/json/decoder.py", line 4, in decode
  File "<string>", line 1
E   shop/cart.py:77 is no frame
"""


def test_frames_are_those_inside_the_repository() -> None:
    assert mentions.parse_frames(TRACEBACK, PATHS) == [
        MentionedLine("tests/test_cart.py", 8),
        MentionedLine("shop/cart.py", 3),
        MentionedLine("shop/cart.py", 9),
    ]


@pytest.mark.parametrize(
    ("test_id", "file", "function"),
    [
        ("tests/test_cart.py::test_total[a::b.c]", "tests/test_cart.py", "test_total"),
        ("tests/test_cart.py::TestCart::test_total", "tests/test_cart.py", "TestCart.test_total"),
        ("tests.test_cart.TestCart.test_total", "tests/test_cart.py", "TestCart.test_total"),
        ("tests.test_cart.test_total", "tests/test_cart.py", "test_total"),
        ("make test", None, "make test"),
        ("../outside.py::test", None, "test"),
    ],
)
def test_a_test_id_names_its_file_and_function(test_id: str, file: str | None, function: str) -> None:
    assert test_files.find_test_file(test_id, PATHS) == file
    assert test_files.name_test_function(test_id) == function


def test_an_issue_names_files_and_symbols() -> None:
    issue = (
        "In ./shop/cart.py and `tests/test_cart.py`, calling apply(x) or `Cart.total` breaks get_user in HTTPServer."
    )
    assert mentions.find_named_files(issue, PATHS) == ["shop/cart.py", "tests/test_cart.py"]
    assert {"apply", "Cart", "total", "get_user"} <= mentions.find_named_symbols(issue)
    assert "calling" not in mentions.find_named_symbols(issue)


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("tests/helper.py", True),
        ("pkg/test_x.py", True),
        ("pkg/x_test.py", True),
        ("conftest.py", True),
        ("src/testing/x.py", True),
        ("contest.py", False),
        ("attest/x.py", False),
        ("latest_prices.py", False),
    ],
)
def test_test_files_are_known_by_their_names(path: str, is_test: bool) -> None:
    assert test_files.is_test_file(path) is is_test


@pytest.mark.parametrize(
    ("path", "is_aside"),
    [
        ("docs/conf.py", True),
        ("examples/a/b.py", True),
        ("setup.py", True),
        ("pkg/documents.py", False),
        ("a/b.py", False),
    ],
)
def test_what_is_around_the_code_proper_is_known_by_its_place(path: str, is_aside: bool) -> None:
    assert test_files.is_supporting_file(path) is is_aside
