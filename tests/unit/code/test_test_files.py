from pathlib import Path

import pytest

from activities.code import test_files


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("tests/helper.py", True),
        ("pkg/test_x.py", True),
        ("pkg/x_test.py", True),
        ("conftest.py", True),
        ("src/testing/x.py", True),
        ("shop/tests.py", True),
        ("shop/test/cart.py", True),
        ("cart_test.go", True),
        ("src/cart.test.ts", True),
        ("src/cart.spec.tsx", True),
        ("src/__tests__/cart.js", True),
        ("fastest/contest.ts", False),
        ("a/testify.py", False),
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


def test_the_sandbox_has_a_true_copy_of_the_rule() -> None:
    code = (Path(test_files.__file__).parents[1] / "sandbox" / "inside" / "coverage_tracer.py").read_text()
    own = Path(test_files.__file__).read_text()
    assert _pattern(code) == _pattern(own)


def _pattern(code: str) -> str:
    return code.partition("TEST_FILE = ")[2].partition("\n)\n")[0]
