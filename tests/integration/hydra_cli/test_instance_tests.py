"""An instance's failing tests at its base, and its hidden tests on a fix and only there."""

from pathlib import Path

import platformdirs
import pytest

from activities.git.command import run_git
from hydra_cli.bench.instance_tests import describe_hidden, passes_hidden, run_failing_tests
from hydra_cli.bench.suite import BugInstance, read_suite
from hydranet.settings import Settings

HIDDEN = "from adding import add\n\n\ndef test_more():\n    assert add(3, 4) == 7\n"
SEEDED = Path(__file__).parents[3] / "benchmarks" / "seeded"


@pytest.fixture
def instance(tmp_path: Path) -> BugInstance:
    folder = tmp_path / "instance"
    (folder / "hidden").mkdir(parents=True)
    (folder / "hidden" / "test_hidden.py").write_text(HIDDEN)
    return BugInstance(id="adding", issue="add() does not add", folder=folder)


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
    instance: BugInstance, settings: Settings, tmp_path: Path, body: str, passes: bool
) -> None:
    repository, commit = fixed(tmp_path / "fixed", body)
    assert await passes_hidden(instance, repository, commit, settings) is passes
    assert not (repository / "hidden").exists()
    assert run_git(repository, "status", "--porcelain") == b""


async def test_an_instance_without_hidden_tests_has_no_judgement(settings: Settings, tmp_path: Path) -> None:
    repository, commit = fixed(tmp_path / "fixed", "return a + b")
    bare = BugInstance(id="adding", issue="add() does not add", folder=tmp_path / "nowhere")
    assert await passes_hidden(bare, repository, commit, settings) is None


async def test_hidden_tests_run_in_the_environment_of_the_instance(
    instance: BugInstance, settings: Settings, tmp_path: Path
) -> None:
    (instance.folder / "hidden" / "test_env.py").write_text(
        "import os\n\n\ndef test_env():\n    assert os.environ['UNIT'] == 'litre'\n"
    )
    repository, commit = fixed(tmp_path / "fixed", "return a + b")
    assert await passes_hidden(instance, repository, commit, settings) is False
    set_up = instance.model_copy(update={"env": {"UNIT": "litre"}})
    assert await passes_hidden(set_up, repository, commit, settings) is True


@pytest.mark.parametrize(
    ("suite", "name", "failing"),
    [
        ("seeded", "depot-tiers", "tests/test_invoice.py::test_a_single_ladder"),
        ("seeded", "tally-bins", "tests/test_survey.py::test_birthdays"),
        ("hops", "ferry-car", "tests/test_car_ticket.py::test_a_car_ticket_prints_each_part_once"),
    ],
)
def test_the_failing_tests_of_an_instance_with_a_package(
    settings: Settings, suite: str, name: str, failing: str
) -> None:
    instances = read_suite(SEEDED.parent / suite, [name])[1]
    failed = run_failing_tests(instances, settings)[name]
    assert failing in [test.id for test in failed]
    assert all(test.message for test in failed)


def test_what_a_report_says() -> None:
    assert [describe_hidden(passed) for passed in (None, True, False)] == ["", "passed", "failed"]
