"""A bug without a test: what is expected becomes one, fails at HEAD, and is part of the fix's branch."""

from pathlib import Path

import pytest

from hydranet.genealogy import Verdict
from tests.e2e.conftest import Hydra, git, repository

FILES = {
    "shop/__init__.py": "",
    "shop/ages.py": "def is_adult(age):\n    return age > 18\n\n\ndef read_age(text):\n    return int(text)\n",
    "shop/other.py": "def total(prices):\n    return sum(prices)\n",
    "shop/text.py": "def total(words):\n    return len(words)\n",
    "tests/test_ages.py": "from shop.ages import is_adult\n\n\ndef test_child():\n    assert not is_adult(17)\n",
    "tests/test_red.py": "def test_red():\n    assert {}['another failure']\n",
}
ISSUE = ("--issue", "Who is eighteen is not taken for an adult", "--model", "templates")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", FILES)


@pytest.mark.parametrize(
    "wish",
    [("--expect", "is_adult(18)"), ("--expect", "shop.ages.is_adult(age=18) is True", "--no-raise", "is_adult(1)")],
)
def test_what_is_expected_is_a_test_of_the_fix(hydra: Hydra, shop: Path, wish: tuple[str, ...]) -> None:
    result, genealogy = hydra.json("fix", "--repo", shop, *ISSUE, *wish)
    assert result.verdict is Verdict.FIXED, result.reason
    test = "tests/test_who_is_eighteen_is_not_taken_for_an.py"
    assert git(shop, "diff", "--name-only", "main", result.published).splitlines() == ["shop/ages.py", test]
    assert "is_adult(" in git(shop, "show", f"{result.published}:{test}")
    assert genealogy.target_count == 1
    assert genealogy.target_tests[0].startswith(test)
    assert [failure.test for failure in genealogy.known_failures] == ["tests/test_red.py::test_red"]
    assert genealogy.written_tests.startswith(f'{test}, of --expect "')
    assert test in hydra("show", genealogy.run_id).stdout.replace("\n", "")


def test_a_script_that_has_to_exit_with_0(hydra: Hydra, shop: Path, tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text("from shop.ages import is_adult\nraise SystemExit(0 if is_adult(18) else 3)\n")
    result, _ = hydra.json("fix", "--repo", shop, *ISSUE, "--script", script)
    assert result.verdict is Verdict.FIXED, result.reason
    changed = git(shop, "diff", "--name-only", "main", result.published).splitlines()
    assert changed[0] == "shop/ages.py"
    assert len(changed) == 3, "the test and the script that it runs"


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (("--expect", "is_adlt(18)"), "is_adlt is nowhere in the repository: did you mean is_adult"),
        (
            ("--expect", "total([]) == 0"),
            "total is in shop/other.py and shop/text.py. Write which one, as in shop.other.total",
        ),
        (("--expect", "is_adult(19)"), '--expect "is_adult(19)" holds at HEAD already: say what is wrong there.'),
        (("--expect", "is_adult(18"), "is not one Python expression ('(' was never closed at column 9): correct it."),
        (("--raises", "ValueError: read_age('')"), "holds at HEAD already"),
        (("--raises", "read_age('')"), "is to name an exception and an expression"),
        (
            ("--no-raise", "shop.ages.is_minor(1)"),
            "(AttributeError: module 'shop.ages' has no attribute 'is_minor'): correct",
        ),
        (("--target", "*", "--expect", "is_adult(18)"), "an expectation becomes a new one: give either."),
        (("--script", "nowhere.py"), "The script nowhere.py cannot be read"),
    ],
)
def test_what_cannot_be_expected_is_refused_in_a_sentence(
    hydra: Hydra, shop: Path, wish: tuple[str, ...], sentence: str
) -> None:
    done = hydra("fix", "--repo", shop, *ISSUE, *wish)
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_script_without_end_is_refused(hydra: Hydra, shop: Path, tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text("while True:\n    pass\n")
    done = hydra("fix", "--repo", shop, *ISSUE, "--script", script)
    assert done.returncode == 2
    assert "The script did not end within 60 seconds" in done.stderr


def test_an_example_in_the_issue_is_enough(hydra: Hydra, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {path: text for path, text in FILES.items() if path != "tests/test_red.py"})
    issue = "Eighteen is adult\n\n`is_adult(18)` returns False instead of True, while `is_adult(19)` should be True."
    result, genealogy = hydra.json("fix", "--repo", shop, "--issue", issue, "--model", "templates")
    assert result.verdict is Verdict.FIXED, result.reason
    assert (
        "It passes a test that the run wrote: tests/test_eighteen_is_adult.py, of the issue's example" in result.reason
    )
    text = git(shop, "show", f"{result.published}:tests/test_eighteen_is_adult.py")
    assert "assert is_adult(18) is True" in text
    assert "is_adult(19)" not in text, "what holds at HEAD is no part of the fix"
    assert "the run wrote" in git(shop, "log", "-1", "--format=%B", result.published)
    assert genealogy.target_count == 1


@pytest.mark.parametrize(
    ("issue", "sentence"),
    [
        ("Prices are wrong.", "and the issue has no example that can be run: say what is expected with --expect"),
        ("`is_adult(19)` should be True.", "does not fail there as the issue says"),
        ("`is_adult('x')` raises KeyError", "does not fail there as the issue says"),
    ],
)
def test_an_issue_that_shows_no_bug_is_refused(hydra: Hydra, tmp_path: Path, issue: str, sentence: str) -> None:
    shop = repository(tmp_path / "shop", {path: text for path, text in FILES.items() if path != "tests/test_red.py"})
    done = hydra("fix", "--repo", shop, "--issue", issue, "--model", "templates")
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_repository_without_tests_gets_its_first_from_the_issue(hydra: Hydra, tmp_path: Path) -> None:
    code = {path: FILES[path] for path in ("shop/__init__.py", "shop/ages.py")}
    bare = repository(tmp_path / "bare", {**code, "tox.ini": "[tox]\n"})
    options = ("--repo", bare, "--model", "templates")
    result, _ = hydra.json("fix", *options, "--issue", "`is_adult(18)` returns False instead of True.")
    assert result.verdict is Verdict.FIXED, result.reason
    changed = git(bare, "diff", "--name-only", "main", result.published).splitlines()
    assert changed == ["shop/ages.py", "test_is_adult_18_returns_false_instead_of.py"]
    refused = hydra("fix", *options, "--issue", "Ages are wrong.")
    assert refused.returncode == 2
    assert "found no tests: name the one that runs them with --test, such as `tox`." in refused.stderr
