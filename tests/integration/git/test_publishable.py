"""What stands in the way of a branch for the fix is named before a run begins, and nothing is left behind."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.sandbox.bubblewrap import find_program
from hydra_cli.repository import Repository
from hydranet.errors import UsageError
from tests.integration.git.repositories import Story, git, make_repository

CHECK = """
import sys
from pathlib import Path
from hydra_cli.repository import Repository
from hydranet.errors import UsageError
try:
    Repository.open(Path(sys.argv[1])).check_publishable("it-breaks")
except UsageError as error:
    print(error)
"""


def add_packed_branch(repository: Path) -> None:
    git(repository, "branch", "hydra")
    git(repository, "pack-refs", "--all")


def lock(repository: Path) -> None:
    folder = repository / ".git" / "refs" / "heads" / "hydra"
    folder.mkdir()
    (folder / "fix-it-breaks.lock").touch()


OBSTACLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a branch called hydra": (
        lambda repository: git(repository, "branch", "hydra"),
        "The branch `hydra` leaves no room for `hydra/fix-it-breaks`, .*rename it with `git branch -m hydra NAME`",
    ),
    "a packed branch called hydra": (add_packed_branch, "The branch `hydra` leaves no room"),
    "a reference where the checkpoints go": (
        lambda repository: git(repository, "update-ref", "refs/hydra", "HEAD"),
        r"'refs/hydra' exists; .*: correct that",
    ),
    "a locked branch": (lock, r"user/\.git/refs/heads/hydra/fix-it-breaks\.lock': File exists\): remove that file if"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_an_obstacle_is_named(tmp_path: Path, name: str) -> None:
    make, sentence = OBSTACLES[name]
    repository = make_repository(tmp_path / "user")
    make(repository)
    before = sorted(repository.rglob("*"))
    with pytest.raises(UsageError, match=sentence):
        Repository.open(repository).check_publishable("it-breaks")
    assert [path for path in sorted(repository.rglob("*")) if path not in before and path.is_file()] == []


@pytest.mark.parametrize("taken", ["hydra/fix-it-breaks", "hydra/fix-it-breaks/more"])
async def test_a_taken_name_is_no_obstacle(tmp_path: Path, taken: str) -> None:
    repository = make_repository(tmp_path / "user")
    git(repository, "branch", taken)
    Repository.open(repository).check_publishable("it-breaks")
    story = Story(repository, tmp_path / "run")
    snapshot = await story.take_snapshot()
    published = await story.publish(snapshot, await story.make_fix(snapshot), apply=False)
    assert published.branch == "hydra/fix-it-breaks-2"


@pytest.mark.parametrize(
    ("mounts", "sentence"),
    [
        (["--ro-bind", "{0}", "{0}"], "cannot be written to (Read-only file system): make it writable for you"),
        (
            ["--size", "65536", "--tmpfs", "{0}/.git/objects", "--ro-bind", "{1}/kept/pack", "{0}/.git/objects/pack"],
            "cannot be written to (No space left on device): free some space",
        ),
    ],
    ids=["read-only", "full"],
)
def test_a_file_system_that_takes_nothing_is_named(tmp_path: Path, mounts: list[str], sentence: str) -> None:
    repository = make_repository(tmp_path / "user")
    git(repository, "gc", "--quiet")
    subprocess.run(["cp", "-a", repository / ".git" / "objects", tmp_path / "kept"], check=True)
    shown = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", *(word.format(repository, tmp_path) for word in mounts)]
    command = [find_program(), *shown, "--", sys.executable, "-c", CHECK, str(repository)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=60)
    assert sentence in done.stdout, done.stderr
