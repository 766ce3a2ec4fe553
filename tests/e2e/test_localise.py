"""`hydra localise`: the tests of a small repository run, and the places come with their probability and reasons."""

import json
from pathlib import Path

from tests.e2e.conftest import Hydra, repository
from tests.e2e.test_bad_input import refused

FILES = {
    "shop/__init__.py": "",
    "shop/config.py": (
        "class Config:\n    def __init__(self, root):\n        self.root = root\n\n"
        "    def size(self, pages):\n        return pages * 2\n\n"
        "    def name(self):\n        return self.root\n"
    ),
    "tests/test_config.py": (
        "from shop.config import Config\n\n\ndef test_name():\n    assert Config('a').name() == 'a'\n\n\n"
        "def test_size():\n    assert Config('a').size(2) == 6\n"
    ),
    "conftest.py": "",
}


def test_the_places_are_listed_with_their_evidence(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FILES)
    issue = ("--issue", "The size of two pages should be six")
    answer = hydra("localise", "--repo", root, *issue, "--json")
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert document["failing"] == ["tests/test_config.py::test_size"]
    first, *others = document["places"]
    assert (first["path"], first["symbol"], first["first_line"]) == ("shop/config.py", "Config.size", 5)
    assert "only failing tests execute line 6" in first["why"]
    assert all(place["probability"] < first["probability"] for place in others)
    assert sum(place["probability"] for place in document["places"]) <= 1

    text = hydra("localise", "--repo", root, *issue, "-k", "1").stdout
    assert text.startswith("shop/config.py:5 Config.size  0.")
    assert "Somewhere else: 0." in text

    refused(
        hydra,
        "Say what is wrong with one of --issue TEXT, --issue-file FILE and --issue-url URL",
        "localise",
        "--repo",
        root,
    )


def test_without_a_failing_test_the_issue_alone_is_followed(hydra: Hydra, tmp_path: Path) -> None:
    tests = FILES["tests/test_config.py"].replace("== 6", "== 4")
    root = repository(tmp_path / "r", {**FILES, "tests/test_config.py": tests})
    answer = hydra("localise", "--repo", root, "--issue", "`Config.name` should be upper case", "--json")
    assert answer.returncode == 0, answer.stderr
    assert "No test fails" in answer.stderr
    assert json.loads(answer.stdout)["places"][0]["symbol"] == "Config.name"
