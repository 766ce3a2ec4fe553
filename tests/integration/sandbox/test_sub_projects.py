"""A project within a repository: its tests run in its folder, with its settings and its set-up."""

from pathlib import Path

import pytest

from activities.code.mentions import find_test_file, resolve_frames
from hydra_cli.repository import Repository
from hydranet import patches
from hydranet.contracts import Candidate, SandboxSpec
from tests.integration.conftest import Make
from tests.integration.git.repositories import git, make_repository

CODE = "def total(numbers):\n    return 0\n"
FIXED = CODE.replace("return 0", "return sum(numbers)")
TESTS = """
from pathlib import Path
from billing import total

def test_total():
    assert total([1, 2]) == 3

def test_place():
    assert Path("rates.txt").read_text() == "3"
"""
FILES = {
    "services/billing/billing.py": CODE,
    "services/billing/rates.txt": "3",
    "services/billing/pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p no:doctest'\n",
    "services/billing/tests/test_billing.py": TESTS,
    "services/shipping/test_shipping.py": "import not_installed\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n",
}
TARGET = "services/billing/tests/test_billing.py::test_total"


@pytest.mark.parametrize("command", ["python -m pytest -q", "python -m pytest -q && true"], ids=["warm", "anew"])
async def test_its_tests_run_in_its_folder(project: Make, command: str) -> None:
    made = await project(FILES, test_command=command, folder="services/billing")
    report = await made.test()
    assert (report.failing, report.passing_count) == ((TARGET,), 1)
    path = "services/billing/billing.py"
    spectrum = await made.cover(report.results)
    assert set(spectrum.lines) == {path}
    good = Candidate(diff=patches.make_diff(path, CODE, FIXED), title="sum")
    trial = await made.attempt(report.results, [good])
    assert trial.report.passed, trial.report
    forbidden = {
        "services/billing/tests/test_billing.py": "is protected",
        "services/billing/json.py": "would take the place of the module json",
    }
    for file, sentence in forbidden.items():
        diff = patches.make_diff(file, FILES.get(file), "x = 1\n")
        refused = await made.attempt(report.results, [Candidate(diff=diff, title="x")])
        assert sentence in refused.refused


BROKEN = "def total(numbers):\n    return numbers.missing\n"
METHODS = """
import unittest
from billing import total

class BillingTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)
"""


@pytest.mark.parametrize("command", ["python -m pytest -q", "python -m pytest -q --tb=short", "python -m unittest"])
async def test_its_tracebacks_are_named_from_the_top(project: Make, command: str) -> None:
    files = {
        **FILES,
        "services/billing/billing.py": BROKEN,
        "services/billing/tests/__init__.py": "",
        "services/billing/tests/test_billing.py": METHODS,
        # What the frames would mean if they were taken as they are.
        "billing.py": CODE,
    }
    made = await project(files, test_command=command, folder="services/billing")
    report = await made.test()
    assert report.error is not None
    assert (report.error.file, report.error.function) == ("services/billing/billing.py", "total")
    (test,) = (await made.results(report)).values()
    frames = resolve_frames(test.message, files)
    assert [frame.path for frame in frames] == [
        "services/billing/tests/test_billing.py",
        "services/billing/billing.py",
    ]
    assert find_test_file(test.id, files) == "services/billing/tests/test_billing.py"


async def test_its_set_up_runs_in_its_folder(project: Make) -> None:
    tests = FILES | {"services/billing/tests/test_billing.py": TESTS.replace("rates.txt", "copied.txt")}
    made = await project(tests, folder="services/billing", setup=("cp rates.txt copied.txt",))
    assert (await made.test()).failing == (TARGET,)


@pytest.mark.parametrize(
    ("named", "chosen"),
    [(".", ""), ("pkg", ""), ("a/b", "a/b"), ("a/b/inner", "a/b"), ("a", ""), ("new", "")],
)
def test_a_project_is_what_has_the_files_of_one(tmp_path: Path, named: str, chosen: str) -> None:
    repository = make_repository(tmp_path / "user")
    for name in ("pyproject.toml", "a/b/setup.py", "a/b/inner/x.py"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "projects")
    (repository / "new").mkdir()
    (repository / "new" / "setup.py").touch()
    opened = Repository.open(repository / named)
    assert (opened.path, opened.named, opened.project) == (repository, "" if named == "." else named, chosen)


@pytest.mark.parametrize("folder", ["/etc", "a/../..", ".."])
def test_a_folder_outside_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="a folder is named from the top of the repository"):
        SandboxSpec(folder=folder)
