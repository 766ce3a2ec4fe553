"""Tests that need a submodule run with it when it is checked out, and no candidate changes it."""

from pathlib import Path

from activities.checkpoints.activities import RepositoryActivities
from hydranet import patches
from hydranet.contracts import Candidate, SnapshotRequest
from tests.integration.conftest import Make, Project
from tests.integration.git.repositories import git

FILES = {
    "pytest.ini": "[pytest]\npythonpath = . vendor/shared\n",
    "price.py": "import limits\n\ndef discount(quantity):\n    return 0.1 if quantity > limits.MANY else 0.0\n",
    "tests/test_price.py": "from price import discount\n\ndef test_boundary():\n    assert discount(10) == 0.1\n",
    "tests/test_limits.py": "import limits\n\ndef test_many():\n    assert limits.MANY == 10\n",
}
TARGET = "tests/test_price.py::test_boundary"


async def take_snapshot(made: Project, repository: Path) -> None:
    request = SnapshotRequest(repository_path=str(repository))
    made.snapshot = await RepositoryActivities(made.artifacts).snapshot_repository(request)
    made.base = made.base.model_copy(update={"commit": made.snapshot.commit})


async def test_tests_import_from_a_submodule_that_is_checked_out(project: Make, tmp_path: Path) -> None:
    made = await project(FILES, test_command="python -m pytest -q")
    repository, other = tmp_path / "repository", tmp_path / "other"
    other.mkdir()
    (other / "limits.py").write_text("MANY = 10\n")
    git(other, "init", "--quiet")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "limits")
    allowed = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    git(repository, *allowed, "add", str(other), "vendor/shared")
    git(repository, "commit", "--quiet", "--message", "a submodule")
    git(repository, "submodule", "--quiet", "deinit", "--all")
    await take_snapshot(made, repository)
    without = await made.test()
    assert (without.failing, without.known_count) == ((), 2)
    assert {failure.cause.partition(":")[0] for failure in without.known} == {"the package limits is not installed"}

    git(repository, *allowed, "update", "--init")
    await take_snapshot(made, repository)
    baseline = await made.test()
    assert (baseline.failing, baseline.passing_count, baseline.known_count) == ((TARGET,), 1, 0)
    spectrum = await made.cover(baseline.results)
    assert set(spectrum.lines) == {"price.py"}
    changed = patches.make_diff("vendor/shared/limits.py", "MANY = 10\n", "MANY = 9\n")
    added = patches.make_diff("vendor/shared/more/limits.py", None, "MANY = 9\n")
    for diff, path in ((changed, "vendor/shared/limits.py"), (added, "vendor/shared/more/limits.py")):
        trial = await made.attempt(baseline.results, [Candidate(diff=diff, title="x")])
        sentence = f"The patch changes {path} in the submodule vendor/shared, which is another repository."
        assert trial.refused == sentence
    good = await made.change("price.py", "> limits", ">= limits")
    trial = await made.attempt(baseline.results, [Candidate(diff=changed, title="x"), good])
    assert (trial.index, trial.report.passed, trial.refused) == (1, True, "1 were refused")
    assert (await made.verify(baseline.results, trial)).passed
