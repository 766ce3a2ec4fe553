"""A bug without a test and without an example: a model drafts a test that fails at HEAD as the issue says."""

import json
from pathlib import Path

import pytest

from hydranet.genealogy import Verdict
from tests.e2e.conftest import Hydra, git, repository

FILES = {
    "shop/__init__.py": "",
    "shop/ages.py": "def is_adult(age):\n    return age > 18\n\n\ndef read_age(text):\n    return int(text)\n",
    "tests/test_ages.py": (
        "import pytest\n\nfrom shop.ages import is_adult\n\n\n@pytest.fixture\ndef limit():\n    return 18\n\n\n"
        "def test_child(limit):\n    assert not is_adult(limit - 1)\n"
    ),
}
BUG = "Somebody who is exactly eighteen years old is not taken for an adult, and gets no ticket."
RIGHT = "```python\ndef test_issue(limit):\n    age = limit\n    assert is_adult(18), age\n```"
SAME = "Here:\n```python\nfrom shop import is_adult\n\ndef test_issue():\n    assert is_adult(18), 1\n```"
PASSES = "```python\ndef test_issue():\n    assert is_adult(19)\n```"
BREAKS = "```python\ndef test_issue():\n    assert is_adult(18, 'years') is True\n```"
ENDLESS = "```python\ndef test_issue():\n    while not is_adult(18):\n        pass\n    assert is_adult(18)\n```"
WRITES = "```python\ndef test_issue():\n    open('shop/ages.py', 'w').write('')\n    assert is_adult(18)\n```"
FIX = "```python\ndef is_adult(age):\n    return age >= 18\n```"


def write_script(folder: Path, *answers: str) -> str:
    """Return a model that drafts these tests, and then makes the fix."""
    lines = [
        {"purpose": "reproduce", "exchanges": [{"sample": n, "answer": answer} for n, answer in enumerate(answers)]},
        {
            "purpose": "strategies",
            "answer": [{"title": "compare", "target_files": ["shop/ages.py"], "target_symbols": ["is_adult"]}],
        },
        {"purpose": "implement", "answer": FIX},
    ]
    file = folder / "model.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return f"scripted:{file}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", FILES)


def test_a_drafted_test_is_the_target_and_part_of_the_fix(hydra: Hydra, shop: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path, PASSES, RIGHT, BREAKS, SAME, WRITES)
    result, genealogy = hydra.json("fix", "--repo", shop, "--issue", BUG, "--model", model)
    assert result.verdict is Verdict.FIXED, result.reason
    test = "tests/test_somebody_who_is_exactly_eighteen_years.py"
    assert git(shop, "diff", "--name-only", "main", result.published).splitlines() == ["shop/ages.py", test]
    assert "which a model drafted of the issue" in result.reason
    assert "which a model drafted of the issue" in git(shop, "log", "-1", "--format=%B", result.published)
    text = git(shop, "show", f"{result.published}:{test}")
    assert "from shop.ages import is_adult\n" in text
    assert "    assert is_adult(" in text
    assert genealogy.reproduction is not None
    assert genealogy.reproduction.draws == 5
    assert genealogy.reproduction.usage.calls == 5
    reasons = genealogy.reproduction.sentence
    assert "draft 1: it passes at HEAD" in reasons
    assert "draft 3: it fails by itself (TypeError" in reasons
    assert "draft 5: it calls open" in reasons
    assert genealogy.usage.calls >= genealogy.reproduction.usage.calls
    shown = hydra("show", genealogy.run_id).stdout
    assert "assert is_adult(" in shown


def test_a_run_that_reproduces_nothing_says_what_it_tried(hydra: Hydra, shop: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path, PASSES, BREAKS, ENDLESS, WRITES, "I cannot.")
    done = hydra("fix", "--repo", shop, "--issue", BUG, "--model", model)
    assert done.returncode == 1, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "none of 5 drafts of the model reproduces the issue" in said
    for reason in ("passes at HEAD", "TypeError", "does not end", "calls open", "has no test function"):
        assert reason in said
    assert git(shop, "branch", "--list", "hydra/*") == ""


def test_an_issue_that_describes_no_bug_is_not_reproduced(hydra: Hydra, shop: Path, tmp_path: Path) -> None:
    wishes = ["is_adult(18) == 1900", "is_adult('18')", "is_adult(17)", "is_senior(70)", "is_adult(3) is None"]
    model = write_script(tmp_path, *(f"```python\ndef test_issue():\n    assert {wish}\n```" for wish in wishes))
    issue = "Please add a function that says whether somebody is a senior, as is_adult does."
    done = hydra("fix", "--repo", shop, "--issue", issue, "--model", model)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "reproduces the issue" in " ".join((done.stdout + done.stderr).split())
