"""Repositories that git itself refuses: its reason stands in our sentence, and no other one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.git.packs import pack_head
from activities.sandbox.bubblewrap import find_program
from hydra_cli.repository import Repository
from hydranet.errors import FatalError, UsageError
from tests.integration.git.repositories import git, make_repository

SEES_FSCK = r": see `git -C .*user fsck`"


def remove(name: str) -> Callable[[Path], object]:
    return lambda repository: subprocess.run(["rm", "-r", repository / ".git" / name], check=True)


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda repository: (repository / ".git" / name).write_text(text)


def object_file(repository: Path, revision: str) -> Path:
    oid = git(repository, "rev-parse", revision)
    return repository / ".git" / "objects" / oid[:2] / oid[2:]


def empty_object(revision: str) -> Callable[[Path], object]:
    def make(repository: Path) -> None:
        file = object_file(repository, revision)
        file.chmod(0o644)
        file.write_bytes(b"")

    return make


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no HEAD": (remove("HEAD"), r"user/\.git is no longer a whole Git repository, since it has no HEAD: put it back"),
    "no references": (remove("refs"), "since it has no refs: put it back"),
    "an empty HEAD": (write("HEAD", ""), "HEAD names no branch and no commit: write a branch's name into it"),
    "an unborn branch": (
        lambda repository: git(repository, "symbolic-ref", "HEAD", "refs/heads/new"),
        r"no commit at HEAD \(your current branch 'new' does not .*commits yet\): commit .* or check out a branch",
    ),
    "a damaged branch": (write("refs/heads/main", "x"), rf"\(your current branch appears to be broken\){SEES_FSCK}"),
    "damaged packed references": (
        write("packed-refs", "nonsense\n"),
        rf"\(unexpected line in \S*/user/\.git/packed-refs: nonsense\){SEES_FSCK}",
    ),
    "no commit object": (lambda repository: object_file(repository, "HEAD").unlink(), rf"bad object HEAD\){SEES_FSCK}"),
    "an empty commit object": (empty_object("HEAD"), rf"\(object file .* is empty\){SEES_FSCK}"),
    "a later version of the format": (
        lambda repository: git(repository, "config", "core.repositoryFormatVersion", "99"),
        r"does not read \(core.repositoryFormatVersion = 99\): take a clone",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_gits_reason_is_told(tmp_path: Path, name: str) -> None:
    make, sentence = REFUSED[name]
    repository = make_repository(tmp_path / "user")
    make(repository)
    with pytest.raises(UsageError, match=sentence):
        Repository.open(repository)


@pytest.mark.parametrize("revision", ["HEAD:pkg/a.py", "HEAD:pkg"])
@pytest.mark.parametrize("make", [empty_object, lambda name: lambda user: object_file(user, name).unlink()])
def test_a_damaged_repository_is_not_called_a_partial_clone(
    tmp_path: Path, revision: str, make: Callable[[str], Callable[[Path], object]]
) -> None:
    repository = make_repository(tmp_path / "user")
    make(revision)(repository)
    with pytest.raises(FatalError, match=rf"HEAD of .* cannot be read \(The object .*\){SEES_FSCK}"):
        pack_head(repository, 10)


def test_git_obeys_no_extension_in_the_first_format(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    git(repository, "config", "extensions.novel", "true")
    assert Repository.open(repository).path == repository


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    (repository / ".git").chmod(0)
    code = "import sys; from pathlib import Path; from hydra_cli.repository import Repository; "
    code += "Repository.open(Path(sys.argv[1]))"
    shown = [*("--bind", "/", "/", "--dev-bind", "/dev", "/dev"), *("--unshare-user", "--uid", "1000", "--cap-drop")]
    command = [find_program(), *shown, "ALL", "--", sys.executable, "-c", code, str(repository)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=60)
    (repository / ".git").chmod(0o755)
    assert "UsageError" in done.stderr
    assert "cannot be read (Permission denied): make it readable for you." in done.stderr
