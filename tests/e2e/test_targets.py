"""A repository with several failures: each is mended by an issue that speaks of it, the others stay as they are."""

from pathlib import Path

import pytest

from hydranet.genealogy import Verdict
from tests.e2e.conftest import Hydra, git, repository

FILES = {
    "shop/__init__.py": "",
    "shop/ages.py": "def is_adult(age):\n    return age > 18\n",
    "shop/orders.py": "def count(orders):\n    return len(orders) + 1\n",
    "shop/names.py": "def first_name(name):\n    return name.split()[1]\n",
    "tests/test_ages.py": (
        "from shop.ages import is_adult\n\n\ndef test_at_eighteen():\n    assert is_adult(18)\n\n\n"
        "def test_child():\n    assert not is_adult(17)\n"
    ),
    "tests/test_orders.py": (
        "from shop.orders import count\n\n\ndef test_none():\n    assert count([]) == 0\n\n\n"
        "def test_two():\n    assert count([1, 2]) == 2\n"
    ),
    "tests/test_names.py": (
        "import pytest\nfrom shop.names import first_name\n\n\n@pytest.mark.parametrize('name', ['Ada', 'Ada Byron'])\n"
        "def test_first(name):\n    assert first_name(name) == 'Ada'\n"
    ),
}
ISSUES = {
    "Who is eighteen is not taken for an adult": ("shop/ages.py", ["tests/test_ages.py::test_at_eighteen"]),
    "`count` says one more order than there is": (
        "shop/orders.py",
        ["tests/test_orders.py::test_none", "tests/test_orders.py::test_two"],
    ),
    "IndexError: list index out of range for a name of one word": (
        "shop/names.py",
        ["tests/test_names.py::test_first[Ada Byron]", "tests/test_names.py::test_first[Ada]"],
    ),
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", FILES)


@pytest.mark.parametrize("issue", ISSUES)
def test_the_failures_that_the_issue_speaks_of_are_mended(hydra: Hydra, shop: Path, issue: str) -> None:
    file, target = ISSUES[issue]
    result, genealogy = hydra.json("fix", "--repo", shop, "--issue", issue, "--model", "templates")
    assert list(genealogy.target_tests) == target
    assert (result.verdict, genealogy.known_count) == (Verdict.FIXED, 5 - len(target)), result.reason
    assert git(shop, "diff", "--name-only", "main", result.published) == file
    assert all("the issue does not speak of it" in failure.cause for failure in genealogy.known_failures)
    shown = hydra("show", genealogy.run_id).stdout
    assert "known failures, left as they are: " in shown
    assert "--target decides" in shown.replace("\n", " ")


def test_a_named_test_is_mended_whatever_the_issue_says(hydra: Hydra, shop: Path) -> None:
    options = ("--issue", "All is red", "--model", "templates")
    result, genealogy = hydra.json("fix", "--repo", shop, *options, "--target", "tests/test_orders.py")
    assert result.verdict is Verdict.FIXED, result.reason
    assert genealogy.target_count == 2
    assert git(shop, "diff", "--name-only", "main", result.published) == "shop/orders.py"
    refused = hydra("fix", "--repo", shop, *options, "--target", "test_nothing")
    assert refused.returncode == 2
    assert "--target test_nothing names no test that fails at HEAD: name one of tests/test_ages.py" in refused.stderr
    assert "Traceback" not in refused.stderr
