"""What coverage, tracebacks, assertions and the issue say."""

import ast

import pytest

from activities.localisation.evidence import (
    dstar,
    find_unexpected,
    gather_evidence,
    list_called_names,
    list_imported_files,
    ochiai,
    score_predicate,
)
from hydranet.contracts import FailingTest, Predicate, RetrievedContext, Spectrum, TestResult
from hydranet.convergence.error_signature import ErrorSignature

PATHS = ["shop/paging.py", "shop/__init__.py", "tests/test_paging.py", "README.md"]

LONG = """    def test_last():
>       assert paginate([1, 2], 2) == [2]

tests/test_paging.py:4:
_ _ _ _
items = [1, 2], page = 2

    def paginate(items, page):
>       return items[page]
E       IndexError: list index out of range: 'page'

shop/paging.py:7: IndexError
"""

NATIVE = """Traceback (most recent call last):
  File "/work/tree/tests/test_paging.py", line 4, in test_last
    paginate([], 1)
  File "/work/tree/shop/paging.py", line 3, in paginate
    return cut(items)
  File "/work/tree/shop/paging.py", line 9, in cut
    return items[1]
  File "/usr/lib/python3.11/json/decoder.py", line 12, in decode
IndexError: list index out of range
"""


def test_the_formulas_agree_with_their_definitions() -> None:
    assert ochiai(2, 0, 2) == 1.0
    assert ochiai(1, 3, 4) == pytest.approx(1 / 4)
    assert ochiai(0, 5, 2) == 0.0
    assert ochiai(0, 0, 0) == 0.0
    # D* = 2² / (1 passing + 1 failing elsewhere) = 2, brought into 0..1 by 2 / (2 + 3).
    assert dstar(2, 1, 3) == pytest.approx(2 / 5)
    assert dstar(3, 0, 3) == 1.0
    assert dstar(0, 4, 3) == 0.0


def test_lines_that_only_failing_tests_execute_are_the_most_suspicious() -> None:
    spectrum = Spectrum(
        tests=(
            TestResult(id="tests/test_paging.py::test_first", outcome="passed"),
            TestResult(id="tests/test_paging.py::test_last", outcome="failed", message=LONG),
        ),
        lines={
            "shop/paging.py": {6: (0, 1), 7: (1,), 8: (0,)},
            "tests/test_paging.py": {4: (1,)},
            "gone.py": {1: (1,)},
        },
    )
    evidence = gather_evidence(spectrum, RetrievedContext(issue="`paginate` loses the last item"), PATHS)
    assert evidence.whole
    assert set(evidence.lines) == {"shop/paging.py"}
    lines = evidence.lines["shop/paging.py"]
    assert lines[7] == 1.0 > lines[6] > 0
    assert 8 not in lines
    assert evidence.frames == {"shop/paging.py": {7: 1.0}}
    assert {"paginate"} <= evidence.asserted
    assert "paginate" in evidence.named
    assert "page" in evidence.quoted
    assert evidence.tests == ("tests/test_paging.py",)


def test_what_only_failing_tests_see_is_telling() -> None:
    # All 5 failing tests and none of the 8 others: the mean of 1 - 5/13 and 1, times 5/6.
    assert score_predicate(5, 0, 8, 5) == pytest.approx(2 * (8 / 13) / (8 / 13 + 1) * 5 / 6)
    assert score_predicate(2, 3, 3, 2) == 0.0  # every test that was there saw it
    assert score_predicate(0, 3, 4, 2) == 0.0
    failed = "def test_last():\n>   assert total(7) == 'nine'\nE   AssertionError: assert 'ten' == 'nine'"
    spectrum = Spectrum(
        tests=(TestResult(id="t::a", outcome="passed"), TestResult(id="t::b", outcome="failed", message=failed)),
        lines={"shop/paging.py": {7: (0, 1)}},
        predicates={
            "shop/paging.py": (
                Predicate(line=7, told="page == last", tests=(1,)),
                Predicate(line=7, told="page is true", tests=(0, 1)),
            )
        },
        values={"shop/paging.py": {7: ("nine", "ten", "7")}},
    )
    evidence = gather_evidence(spectrum, RetrievedContext(issue=""), PATHS)
    share, told = evidence.predicates["shop/paging.py"][7]
    assert share == pytest.approx(1 / 3)
    assert told == "page == last"
    assert evidence.values == {"shop/paging.py": {7: (1.0, "ten")}}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (">  assert f() == 2\nE  assert 31 == 2\nE   +  where 31 = f()", {"31"}),
        (">  assert f() == ['a', 'b']\nE  AssertionError: assert ['a', 'c'] == ['a', 'b']", {"c"}),
        (">  assert f(5) < 2\nE  assert 7 < 2", set()),
        ("E  ValueError: 12 is no month", set()),
    ],
)
def test_a_value_that_only_the_code_can_have_made_is_unexpected(message: str, shown: set[str]) -> None:
    assert find_unexpected([message]) == shown


def test_a_failing_test_without_coverage_leaves_the_evidence_partial() -> None:
    spectrum = Spectrum(
        tests=(TestResult(id="t::a", outcome="failed"), TestResult(id="t::b", outcome="failed")),
        lines={"shop/paging.py": {7: (0,)}},
    )
    evidence = gather_evidence(spectrum, RetrievedContext(issue=""), PATHS)
    assert not evidence.whole
    assert evidence.lines["shop/paging.py"][7] == 1.0


def test_without_a_spectrum_the_tracebacks_of_the_context_speak() -> None:
    context = RetrievedContext(
        issue="",
        failing=(FailingTest(id="tests/test_paging.py::test_last", message=NATIVE[:1400]),),
        error=ErrorSignature(type="builtins.IndexError", message="list index out of range"),
    )
    evidence = gather_evidence(None, context, PATHS)
    assert evidence.frames == {"shop/paging.py": {9: 1.0, 3: 0.75}}
    assert evidence.error == "IndexError"
    assert not evidence.whole


def test_imports_are_resolved_within_the_repository() -> None:
    known = frozenset(["src/shop/__init__.py", "src/shop/paging.py", "src/shop/cart.py", "other.py"])
    absolute = ast.parse("import os, other\nfrom shop import paging\nfrom shop.cart import Cart")
    assert list_imported_files(absolute, "tests/test_a.py", known) == [
        "other.py",
        "src/shop/__init__.py",
        "src/shop/paging.py",
        "src/shop/cart.py",
    ]
    assert list_imported_files(ast.parse("from . import paging"), "src/shop/cart.py", known) == [
        "src/shop/__init__.py",
        "src/shop/paging.py",
    ]


@pytest.mark.parametrize(
    "output",
    ["\n" * 20_000, " " * 20_000, "a" * 20_000, "E   " * 5000, "> " + "a(" * 9000, 'File "' * 3000, "'" * 20_000],
    ids=range(7),
)
def test_no_output_of_a_test_is_slow_to_read_or_raises(output: str) -> None:
    tests = tuple(TestResult(id=f"t::{n}", outcome="failed", message=output) for n in range(20))
    gather_evidence(Spectrum(tests=tests), RetrievedContext(issue=output), PATHS)


def test_called_names() -> None:
    assert list(list_called_names(ast.parse("a.b(c(1))"))) == ["b", "c"]
