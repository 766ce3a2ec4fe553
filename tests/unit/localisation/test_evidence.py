"""Evidence from coverage, predicates, tracebacks, assertions and the issue."""

import ast

import pytest

from activities.artifacts.store import hash_content
from activities.localisation.evidence import (
    find_unexpected_values,
    gather_evidence,
    list_called_names,
    list_imported_files,
)
from hydranet.contracts import FailingTest, Predicate, RetrievedContext, Spectrum, TestResult
from hydranet.convergence.error_signature import ErrorSignature

PATHS = ["shop/paging.py", "shop/__init__.py", "tests/test_paging.py", "README.md"]
CONTEXT = RetrievedContext(issue=hash_content(b"", "text/plain"))

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
    evidence = gather_evidence("`paginate` loses the last item", spectrum, CONTEXT, PATHS)
    assert evidence.is_complete
    assert set(evidence.line_scores) == {"shop/paging.py"}
    lines = evidence.line_scores["shop/paging.py"]
    assert lines[7] == 1.0 > lines[6] > 0
    assert 8 not in lines
    assert evidence.frame_scores == {"shop/paging.py": {7: 1.0}}
    assert {"paginate"} <= evidence.called_names
    assert "paginate" in evidence.issue_words
    assert "page" in evidence.quoted_names
    assert evidence.test_files == ("tests/test_paging.py",)


def test_the_best_predicate_and_the_first_unexpected_value_of_a_line_are_kept() -> None:
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
    evidence = gather_evidence("", spectrum, CONTEXT, PATHS)
    score, explanation = evidence.predicate_scores["shop/paging.py"][7]
    assert score == pytest.approx(1 / 3)
    assert explanation == "page == last"
    assert evidence.wrong_values == {"shop/paging.py": {7: (1.0, "ten")}}


@pytest.mark.parametrize(
    ("message", "values"),
    [
        (">  assert f() == 2\nE  assert 31 == 2\nE   +  where 31 = f()", {"31"}),
        (">  assert f() == ['a', 'b']\nE  AssertionError: assert ['a', 'c'] == ['a', 'b']", {"c"}),
        (">  assert f(5) < 2\nE  assert 7 < 2", set()),
        ("E  ValueError: 12 is no month", set()),
    ],
)
def test_values_of_one_side_that_the_test_does_not_mention_are_unexpected(message: str, values: set[str]) -> None:
    assert find_unexpected_values([message]) == values


def test_a_failing_test_without_coverage_makes_the_evidence_incomplete() -> None:
    spectrum = Spectrum(
        tests=(TestResult(id="t::a", outcome="failed"), TestResult(id="t::b", outcome="failed")),
        lines={"shop/paging.py": {7: (0,)}},
    )
    evidence = gather_evidence("", spectrum, CONTEXT, PATHS)
    assert not evidence.is_complete
    assert evidence.line_scores["shop/paging.py"][7] == 1.0


def test_without_a_spectrum_the_tracebacks_of_the_context_are_used() -> None:
    context = RetrievedContext(
        issue=CONTEXT.issue,
        failing=(FailingTest(id="tests/test_paging.py::test_last", message=NATIVE[:1400]),),
        error=ErrorSignature(type="builtins.IndexError", message="list index out of range"),
    )
    evidence = gather_evidence("", None, context, PATHS)
    assert evidence.frame_scores == {"shop/paging.py": {9: 1.0, 3: 0.75}}
    assert evidence.error_type == "IndexError"
    assert not evidence.is_complete


def test_the_files_of_dotted_tests_are_read() -> None:
    ids = ("tests.test_paging.PagingTest.test_last", "tests.test_paging.PagingTest.test_first", "manage.py test")
    context = RetrievedContext(issue=CONTEXT.issue, failing=tuple(FailingTest(id=name, message="") for name in ids))
    assert gather_evidence("", None, context, PATHS).test_files == ("tests/test_paging.py",)
    below = [f"services/shop/{path}" for path in PATHS]
    assert gather_evidence("", None, context, below).test_files == ("services/shop/tests/test_paging.py",)


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
    gather_evidence(output, Spectrum(tests=tests), CONTEXT, PATHS)


def test_the_names_of_called_functions_are_listed() -> None:
    assert list(list_called_names(ast.parse("a.b(c(1))"))) == ["b", "c"]
