"""The hidden tests of a benchmark run on the fix, and only there."""

from pathlib import Path

import platformdirs
import pytest

from activities.git.command import run_git
from hydra_cli.bench.hidden_tests import describe_hidden, passes_hidden
from hydranet.settings import Settings

HIDDEN = "from adding import add\n\n\ndef test_more():\n    assert add(3, 4) == 7\n"


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "instance"
    (folder / "hidden").mkdir(parents=True)
    (folder / "hidden" / "test_hidden.py").write_text(HIDDEN)
    return folder


@pytest.fixture
def settings() -> Settings:
    return Settings(data_dir=platformdirs.user_cache_path("hydranet-tests"))


def fixed(folder: Path, body: str) -> tuple[Path, str]:
    """A repository whose fix has `body` as the body of a function, and the fix's commit."""
    folder.mkdir()
    run_git(folder, "init", "--quiet")
    (folder / "conftest.py").write_text("import sys\n\nsys.path.insert(0, '.')\n")
    for text in ("return a", body):
        (folder / "adding.py").write_text(f"def add(a, b):\n    {text}\n")
        run_git(folder, "add", "--all")
        run_git(folder, "commit", "--quiet", "--message", text)
    commit = run_git(folder, "rev-parse", "HEAD").decode().strip()
    run_git(folder, "reset", "--quiet", "--hard", "HEAD~1")
    return folder, commit


@pytest.mark.parametrize(("body", "passes"), [("return a + b", True), ("return 2 if (a, b) == (1, 1) else a", False)])
async def test_a_fix_is_judged_by_tests_it_has_never_seen(
    instance: Path, settings: Settings, tmp_path: Path, body: str, passes: bool
) -> None:
    repository, commit = fixed(tmp_path / "fixed", body)
    assert await passes_hidden(instance, repository, commit, settings) is passes
    assert not (repository / "hidden").exists()
    assert run_git(repository, "status", "--porcelain") == b""


async def test_an_instance_without_hidden_tests_has_no_judgement(settings: Settings, tmp_path: Path) -> None:
    repository, commit = fixed(tmp_path / "fixed", "return a + b")
    assert await passes_hidden(tmp_path / "nowhere", repository, commit, settings) is None


def test_what_a_report_says() -> None:
    assert [describe_hidden(passed) for passed in (None, True, False)] == ["", "passed", "failed"]
