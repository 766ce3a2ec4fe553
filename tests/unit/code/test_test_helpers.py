"""Which modules only help tests."""

import pytest

from activities.code.test_helpers import SourceTree, TestHelpers

PROGRAM = "def total(rows):\n    return sum(rows)\n"
TESTS = "from shop import total\nfrom checks import TestChecks\n\n\nclass TestShop(TestChecks):\n    pass\n"


def decide(text: str) -> bool:
    """Return whether a module that only a test imports is a helper."""
    files = {"shop.py": PROGRAM, "checks.py": text, "tests/test_shop.py": TESTS}
    tree = SourceTree(frozenset(files), files.get, find_mentions=lambda word: [f for f in files if word in files[f]])
    return TestHelpers(tree).is_helper("checks.py")


@pytest.mark.parametrize(
    "line", ["    def test_total(self):", "\tdef testTotal(self):", "    async  def test_it(self):"]
)
def test_a_module_that_gives_a_test_its_tests_is_a_helper(line: str) -> None:
    assert decide(f"class TestChecks:\n{line}\n        assert 1\n")


@pytest.mark.parametrize("blanks", [" " * 80, "\t" * 80, " \t" * 40])
def test_deep_indentation_takes_no_time(blanks: str) -> None:
    assert not decide(f"class TestChecks:\n    pass\n\n\nROWS = [\n{blanks}1,\n{blanks}2,\n]\n")
