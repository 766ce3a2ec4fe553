"""Checks that must fail, one for each kind of assertion: where one does not, somebody has replaced it."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

Check = Callable[[], object]

# By name, so that what the tests would call is called.
_UNITTEST: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("fail", ("the canary",)),
    ("assertTrue", (False,)),
    ("assertFalse", (True,)),
    ("assertEqual", (1, 2)),
    ("assertEqual", ("a", "b")),
    ("assertNotEqual", (1, 1)),
    ("assertIs", (1, None)),
    ("assertIsNot", (None, None)),
    ("assertIsNone", (1,)),
    ("assertIsNotNone", (None,)),
    ("assertIn", (1, ())),
    ("assertNotIn", (1, (1,))),
    ("assertIsInstance", (1, str)),
    ("assertNotIsInstance", (1, int)),
    ("assertAlmostEqual", (1.0, 2.0)),
    ("assertNotAlmostEqual", (1.0, 1.0)),
    ("assertGreater", (1, 2)),
    ("assertGreaterEqual", (1, 2)),
    ("assertLess", (2, 1)),
    ("assertLessEqual", (2, 1)),
    ("assertRegex", ("a", "b")),
    ("assertNotRegex", ("a", "a")),
    ("assertCountEqual", ([1], [2])),
    ("assertSequenceEqual", ([1], [2])),
    ("assertListEqual", ([1], [2])),
    ("assertTupleEqual", ((1,), (2,))),
    ("assertSetEqual", ({1}, {2})),
    ("assertDictEqual", ({1: 1}, {1: 2})),
    ("assertMultiLineEqual", ("a", "b")),
    ("assertRaises", (ValueError, int)),
    ("assertRaisesRegex", (ValueError, "the canary", int, "a")),
    ("assertWarns", (UserWarning, int)),
)
_NUMPY: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("assert_array_equal", ([1], [2])),
    ("assert_allclose", (1.0, 2.0)),
    ("assert_equal", (1, 2)),
)


def accepts_anything(checks: Iterable[Check]) -> bool:
    """Return whether a check does not fail that must; failing is an AssertionError, or pytest's own for it."""
    for check in checks:
        try:
            check()
        except AssertionError:
            continue
        except BaseException as error:
            if type(error).__name__ != "Failed":
                return True
        else:
            return True
    return False


def list_unittest_checks() -> Iterator[Check]:
    """Yield checks that must fail: a test case, all assertions of one, and a mock's where there are any."""
    case = unittest.TestCase()
    yield _run_case
    for name, arguments in _UNITTEST:
        yield partial(getattr(case, name), *arguments)
    # Tests that use mocks have loaded them, and asyncio with them.
    mock = sys.modules.get("unittest.mock")
    if mock is not None:
        yield partial(mock.Mock().assert_called_once_with, 1)
        yield mock.Mock().assert_called


def list_pytest_checks() -> Iterator[Check]:
    """Yield checks that must fail: pytest's, unittest's, and NumPy's where it is loaded."""
    import pytest

    def raise_nothing() -> None:
        with pytest.raises(KeyError):
            _compare(True)

    def raise_another() -> None:
        with pytest.raises(ValueError, match="the canary"):
            int("a")

    yield from list_unittest_checks()
    yield partial(pytest.fail, "the canary")
    yield raise_nothing
    yield raise_another
    yield lambda: _compare(pytest.approx(1.0) == 2.0)
    yield lambda: _compare(pytest.approx([1.0]) == [2.0])
    numpy = sys.modules.get("numpy.testing")
    for name, arguments in _NUMPY if numpy is not None else ():
        yield partial(getattr(numpy, name), *arguments)


def _run_case() -> None:
    case = unittest.FunctionTestCase(partial(_compare, False))
    result = unittest.TestResult()
    case.run(result)
    if result.failures and not result.wasSuccessful():
        raise AssertionError


def _compare(equal: bool) -> None:
    if not equal:
        raise AssertionError
