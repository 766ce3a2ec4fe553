"""Repositories that are laid out in uncommon ways: each works, or is refused in one sentence and left alone."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.git import command
from activities.git.command import GitError, run_git
from activities.git.user_repository import UserRepository
from hydra_cli.repository import Repository
from hydranet.errors import HydraError, UsageError
from tests.integration.git.repositories import FILES, FIXED, SHA256, Story, git, make_repository


def make_worktree(folder: Path) -> Path:
    make_repository(folder / "main")
    git(folder / "main", "worktree", "add", "--quiet", "-b", "work", str(folder / "tree"))
    return folder / "tree"


def make_submodule(folder: Path) -> Path:
    make_repository(folder / "other")
    above = make_repository(folder / "above")
    git(above, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(folder / "other"), "sub")
    return above / "sub"


def make_separate(folder: Path) -> Path:
    repository = make_repository(folder / "user", "--separate-git-dir", str(folder / "elsewhere"))
    git(repository, "config", "core.worktree", str(repository))
    return repository


def make_clone(folder: Path, *options: str) -> Path:
    origin = make_repository(folder / "origin")
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(folder, "clone", "--quiet", *options, f"file://{origin}", str(folder / "user"))
    return folder / "user"


def change(*arguments: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        git(make_repository(folder / "user"), *arguments)
        return folder / "user"

    return make


def make_sparse(folder: Path) -> Path:
    repository = make_repository(folder / "user")
    git(repository, "config", "index.sparse", "true")
    git(repository, "sparse-checkout", "set", "--cone", "pkg")
    return repository


WORKING: dict[str, Callable[[Path], Path]] = {
    "plain": lambda folder: make_repository(folder / "user"),
    "SHA-256": lambda folder: make_repository(folder / "user", *SHA256),
    "a linked worktree": make_worktree,
    "a submodule": make_submodule,
    "a separate git folder that leads back": make_separate,
    "a shallow clone": lambda folder: make_clone(folder, "--depth=1"),
    "a partial clone that has its files": lambda folder: make_clone(folder, "--filter=blob:none"),
    "a shared clone": lambda folder: make_clone(folder, "--shared", "--reference", str(folder / "origin")),
    "packed references": change("pack-refs", "--all"),
    "one pack": change("gc", "--quiet"),
    "a split index": change("update-index", "--split-index"),
    "an untracked cache": change("update-index", "--force-untracked-cache"),
    "a commit graph and a multi-pack index": change("-c", "gc.writeCommitGraph=true", "repack", "-adm"),
    "a sparse checkout": make_sparse,
    "a name with quotes": lambda folder: make_repository(folder / 'it\'s "so" \\n'),
    "a name of two lines": lambda folder: make_repository(folder / "two\nlines"),
    "a name that begins with a hyphen": lambda folder: make_repository(folder / "-C" / "--help"),
}


@pytest.mark.parametrize("name", WORKING)
async def test_it_works(tmp_path: Path, name: str) -> None:
    repository = WORKING[name](tmp_path)
    commit = await Story(repository, tmp_path / "run").run()
    assert git(repository, "rev-parse", "HEAD", "hydra/fix-it-breaks").split() == [commit, commit]
    assert git(repository, "status", "--porcelain", "--untracked-files=no") == ""
    assert git(repository, "show", "HEAD:pkg/a.py") == FIXED.strip()
    assert git(repository, "reflog", "-1", "--format=%H %gs") == f"{commit} merge {commit}: Fast-forward"
    assert git(repository, "fsck", "--no-dangling") == ""


async def test_a_detached_head_gets_a_branch_and_is_left_where_it_is(tmp_path: Path) -> None:
    repository = change("checkout", "--quiet", "--detach")(tmp_path)
    before = git(repository, "rev-parse", "HEAD")
    story = Story(repository, tmp_path / "run")
    await story.run(apply=False)
    snapshot = await story.take_snapshot()
    again = await story.publish(snapshot, await story.make_fix(snapshot), apply=True)
    assert again.note == "not applied, the working tree is as it was: no branch is checked out"
    assert git(repository, "rev-parse", "HEAD") == before


@pytest.mark.parametrize("kind", ["replace", "graft"])
async def test_what_stands_in_for_objects_is_not_read(tmp_path: Path, kind: str) -> None:
    repository = make_repository(tmp_path / "user")
    if kind == "replace":
        other = git(repository, "hash-object", "-w", "--stdin", stdin="forged\n")
        git(repository, "replace", git(repository, "rev-parse", "HEAD:pkg/a.py"), other)
        assert git(repository, "show", "HEAD:pkg/a.py") == "forged"
    else:
        (repository / ".git" / "info" / "grafts").write_text(git(repository, "rev-parse", "HEAD") + "\n")
        assert git(repository, "rev-list", "--count", "HEAD") == "1"
    base = git(repository, "rev-parse", "HEAD")
    commit = await Story(repository, tmp_path / "run").run(apply=kind == "graft")
    assert git(repository, "--no-replace-objects", "show", f"{commit}:pkg/a.py") == FIXED.strip()
    assert git(repository, "rev-parse", f"{commit}^") == base


async def test_line_ends_are_written_as_the_user_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "gitconfig"
    own.write_text("[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    repository = make_repository(tmp_path / "user")
    (repository / "pkg" / "a.py").unlink()
    git(repository, "-c", "core.autocrlf=true", "checkout", "pkg/a.py")
    assert (repository / "pkg" / "a.py").read_bytes() == b"x = 1\r\n"
    os.utime(repository / "pkg" / "a.py", (1, 1))
    assert not Repository.open(repository).dirty
    story = Story(repository, tmp_path / "run")
    snapshot = await story.take_snapshot()
    published = await story.publish(snapshot, await story.make_fix(snapshot), apply=True)
    assert published.note.startswith("applied")
    assert (repository / "pkg" / "a.py").read_bytes() == b"x = 2\r\n"
    assert git(repository, "diff", "HEAD^", "HEAD", "--numstat") == "1\t1\tpkg/a.py"


async def test_a_fix_beside_files_of_a_filter_changes_the_fixed_file_alone(tmp_path: Path) -> None:
    """As of Git LFS: the repository has pointers, the working tree has what they name."""
    repository = make_repository(tmp_path / "user")
    git(repository, "config", "filter.lfs.clean", "echo pointer")
    git(repository, "config", "filter.lfs.smudge", "echo content")
    git(repository, "config", "filter.lfs.required", "true")
    (repository / ".gitattributes").write_text("*.bin filter=lfs\n")
    (repository / "large.bin").write_text("content\n")
    os.utime(repository / "large.bin", (1, 1))
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "large")
    assert git(repository, "show", "HEAD:large.bin") == "pointer"
    assert not Repository.open(repository).dirty
    await Story(repository, tmp_path / "run").run()
    assert git(repository, "diff", "HEAD^", "HEAD", "--numstat") == "1\t1\tpkg/a.py"
    assert (repository / "large.bin").read_text() == "content\n"
    assert git(repository, "status", "--porcelain") == ""


def move_files(repository: Path, aside: Path) -> None:
    git(repository, "config", "core.worktree", str(aside))


def move_files_by_worktree_configuration(repository: Path, aside: Path) -> None:
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.worktreeConfig", "true")
    git(repository, "config", "--worktree", "core.worktree", str(aside))


def lead_elsewhere(repository: Path, aside: Path) -> None:
    make_repository(aside / "private")
    subprocess.run(["rm", "-r", repository / ".git"], check=True)
    (repository / ".git").write_text(f"gitdir: {aside}/private/.git\n")


def lead_to_a_worktree(repository: Path, aside: Path) -> None:
    make_worktree(aside)
    subprocess.run(["rm", "-r", repository / ".git"], check=True)
    (repository / ".git").write_bytes((aside / "tree" / ".git").read_bytes())


def lead_nowhere(repository: Path, aside: Path) -> None:
    subprocess.run(["rm", "-r", repository / ".git"], check=True)
    (repository / ".git").write_text(f"gitdir: {aside}/nothing\n")


def link(*names: str) -> Callable[[Path, Path], None]:
    """Put what `names` are elsewhere, and links in their places."""

    def make(repository: Path, aside: Path) -> None:
        for name in names:
            path, target = repository / name, aside / name.replace("/", "-")
            if path.exists():
                path.rename(target)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)

    return make


def make_fifo(name: str) -> Callable[[Path, Path], None]:
    def make(repository: Path, aside: Path) -> None:
        (repository / name).unlink(missing_ok=True)
        os.mkfifo(repository / name)

    return make


def declare(key: str, value: str) -> Callable[[Path, Path], None]:
    def make(repository: Path, aside: Path) -> None:
        git(repository, "config", "core.repositoryFormatVersion", "1")
        git(repository, "config", key, value)

    return make


def write(name: str, text: str) -> Callable[[Path, Path], None]:
    def make(repository: Path, aside: Path) -> None:
        (repository / name).write_text(text)

    return make


REFUSED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "files elsewhere": (move_files, r"has its files elsewhere \(core.worktree = .*run `git --git-dir"),
    "files elsewhere, by config.worktree": (move_files_by_worktree_configuration, "has its files elsewhere"),
    "a .git file to another repository": (lead_elsewhere, r"does not lead back: run `git --git-dir=.* config core\.wo"),
    "a .git file to another worktree": (lead_to_a_worktree, "does not lead back: run `git -C .* worktree repair"),
    "a .git file to nothing": (lead_nowhere, "which is not there"),
    "a link .git": (link(".git"), r"\.git is a link, which HydraNet does not follow: take a clone"),
    "a link to objects": (link(".git/objects"), "objects is a link, which HydraNet does not follow"),
    "a link to references": (link(".git/refs"), "refs is a link, which HydraNet does not follow"),
    "a link to packed references": (link(".git/packed-refs"), "packed-refs is a link"),
    "a link HEAD": (link(".git/HEAD"), "HEAD is not a regular file"),
    "a fifo for the configuration": (make_fifo(".git/config"), "config is not a regular file"),
    "a fifo HEAD": (make_fifo(".git/HEAD"), "HEAD is not a regular file"),
    "a fifo for alternates": (make_fifo(".git/objects/info/alternates"), "alternates is not a regular file"),
    "a HEAD outside": (write(".git/HEAD", "ref: refs/../../x\n"), "HEAD names no branch and no commit"),
    "a HEAD that is an option": (write(".git/HEAD", "--output=x\n"), "HEAD names no branch and no commit"),
    "broken configuration": (
        write(".git/config", "[core\n"),
        "Correct git's settings, which cannot be read: bad config line 1",
    ),
    "configuration without end": (write(".git/config", "#" * 2_000_000), "not a regular file of at most 1,000,000"),
    "reftable": (declare("extensions.refStorage", "reftable"), "run `git -C .* refs migrate --ref-format=files`"),
    "an unknown format": (declare("extensions.novel", "true"), r"does not read \(extensions.novel\): take a clone"),
    "another hash": (declare("extensions.objectFormat", "sha3"), "objects named by sha3"),
    "alternates in quotes": (write(".git/objects/info/alternates", '"/a\\tb"\n'), "does not follow: run `git -C"),
    "alternates behind a form feed": (write(".git/objects/info/alternates", "\x0c/..\n" * 2 + '"'), "does not follow"),
    "alternates in a circle": (write(".git/objects/info/alternates", "../objects\n"), "does not follow: run `git -C"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused(tmp_path: Path, name: str) -> None:
    make, sentence = REFUSED[name]
    repository = make_repository(tmp_path / "user")
    aside = tmp_path / "aside"
    aside.mkdir()
    make(repository, aside)
    before = sorted(aside.rglob("*"))
    with pytest.raises(UsageError, match=sentence):
        Repository.open(repository)
    with pytest.raises(Exception, match=sentence):
        await Story(repository, tmp_path / "run").take_snapshot()
    assert sorted(aside.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    [
        *(".git/refs/heads/hydra", ".git/refs/hydra", ".git/logs", ".git/logs/HEAD", ".git/logs/refs/heads/hydra"),
        *(".git/objects/pack", ".git/index", ".git/refs/heads/main", ".git/logs/refs/heads/main"),
    ],
)
async def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    repository = make_repository(tmp_path / "user")
    story = Story(repository, tmp_path / "run")
    snapshot = await story.take_snapshot()
    fix = await story.make_fix(snapshot)
    aside = tmp_path / "aside"
    aside.mkdir()
    if name in (".git/refs/heads/hydra", ".git/refs/hydra", ".git/logs/refs/heads/hydra"):
        (aside / name.replace("/", "-")).mkdir()
    link(name)(repository, aside)
    before = {path: path.lstat().st_mtime_ns for path in aside.rglob("*")}
    with pytest.raises(Exception, match="is a link, and nothing is written through it"):
        await story.publish(snapshot, fix, apply=True)
    assert {path: path.lstat().st_mtime_ns for path in aside.rglob("*")} == before
    assert (repository / "pkg" / "a.py").read_text() == FILES["pkg/a.py"]


async def test_a_partial_clone_works_once_it_has_its_files(tmp_path: Path) -> None:
    repository = make_clone(tmp_path, "--filter=blob:none", "--no-checkout")
    story = Story(repository, tmp_path / "run")
    with pytest.raises(Exception, match=r"run `git -C .* archive --output=/dev/null HEAD`, which fetches them"):
        await story.take_snapshot()
    git(repository, "archive", "--output=/dev/null", "HEAD")
    assert (await story.take_snapshot()).commit == git(repository, "rev-parse", "HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("part", [".", ".git"])
def test_another_users_repository_is_opened_once_its_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    repository = make_repository(tmp_path / "user")
    git(repository, "config", "safe.directory", "*")
    os.chown(repository / part, 12345, 12345)
    own = tmp_path / "gitconfig"
    own.write_text("[safe]\n\tdirectory = /elsewhere\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    with pytest.raises(UsageError, match=r"belongs to another user.*run `git config --global --add safe.directory"):
        Repository.open(repository)
    for trusted in (str(repository), "*", f"{tmp_path}/*"):
        own.write_text(f'[safe]\n\tdirectory = "{trusted}"\n')
        assert Repository.open(repository).path == repository
    own.write_text('[safe]\n\tdirectory = "*"\n\tdirectory =\n')
    with pytest.raises(UsageError, match="belongs to another user"):
        Repository.open(repository)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
async def test_objects_in_another_users_folder_are_not_borrowed(tmp_path: Path) -> None:
    repository = make_clone(tmp_path, "--shared")
    git(repository, "remote", "remove", "origin")
    objects = tmp_path / "origin" / ".git" / "objects"
    (repository / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n")
    os.chown(objects, 12345, 12345)
    with pytest.raises(Exception, match=r"another user's folder: run `git -C .* repack -a -d`"):
        await Story(repository, tmp_path / "run").take_snapshot()


async def test_a_git_that_does_not_end_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make_repository(tmp_path / "user")
    oid = git(repository, "rev-parse", "HEAD")
    make_fifo(f".git/objects/{oid[:2]}/{oid[2:]}")(repository, tmp_path)
    monkeypatch.setattr(command, "TIMEOUT_SECONDS", 1.0)
    with pytest.raises(Exception, match="took longer than 1 seconds"):
        await Story(repository, tmp_path / "run").take_snapshot()


def test_what_runs_git_refuses_a_configuration_that_is_not_ours(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    assert run_git(repository, "status", "--porcelain") == b""
    config = repository / ".git" / "config"
    own = config.read_text()
    for more in ("[core] sshCommand = x", "[core]\nworktree = /", '[filter "x"]\nclean = x', "[include]\npath = x"):
        config.write_text(f"{own}{more}\n")
        with pytest.raises(GitError, match="not a repository of HydraNet's own: its configuration has"):
            run_git(repository, "status", "--porcelain")


def test_the_callers_environment_does_not_choose_another_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, repository = make_repository(tmp_path / "other", *SHA256), make_repository(tmp_path / "user")
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git" / "objects"))
    assert UserRepository.find(repository / "pkg").resolve_head() == head


def test_what_is_no_repository_of_files_is_refused(tmp_path: Path) -> None:
    bare = make_clone(tmp_path, "--bare")
    for folder, sentence in ((bare, "is a bare repository"), (tmp_path / "user" / "refs", "is a bare repository")):
        with pytest.raises(UsageError, match=sentence):
            Repository.open(folder)
    new = tmp_path / "new"
    new.mkdir()
    with pytest.raises(UsageError, match="is not in a Git repository: run `git init`"):
        Repository.open(new)
    git(new, "init", "--quiet")
    with pytest.raises(UsageError, match=r"has no commit at HEAD \(your current branch '.*commit the code"):
        Repository.open(new)
    with pytest.raises(HydraError, match="no longer there: put it back"):
        UserRepository.find(tmp_path / "gone")
