"""Submodules that are checked out come along with their repository; others are named as missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.checkpoints.activities import CheckpointActivities
from activities.git import packs, trees
from activities.git.objects import GitObjects
from activities.git.packs import pack_head
from activities.git.submodules import list_missing
from hydranet import patches
from hydranet.contracts import Checkpoint, CommitRequest
from hydranet.errors import FatalError
from tests.integration.git.repositories import FILES, SHA256, Story, git, make_repository


def add(repository: Path, other: Path, path: str, *options: str) -> None:
    """Add a submodule and commit it."""
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", *options, str(other), path)
    git(repository, "commit", "--quiet", "--message", f"submodule {path}")


def make_submodule(folder: Path, path: str = "vendor/words", *options: str) -> Path:
    """Make a repository with one submodule, whose file `word` says what is at its HEAD."""
    other = make_repository(folder / "other", *options)
    (other / "word").write_text("first\n")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "a word")
    repository = make_repository(folder / "user", *options)
    add(repository, other, path)
    return repository


def commit_in(folder: Path, text: str) -> str:
    """Commit another word in a submodule, and return the commit."""
    (folder / "word").write_text(text)
    git(folder, "commit", "--quiet", "--all", "--message", text)
    return git(folder, "rev-parse", "HEAD")


async def check_out(repository: Path, scratch: Path) -> tuple[Path, list[str]]:
    """Return the files of HEAD on a node, and the submodules that are missing there."""
    story = Story(repository, scratch)
    snapshot = await story.take_snapshot()
    base = Checkpoint(commit=snapshot.commit)
    objects = GitObjects(scratch.parent / "node", story.artifacts)
    return await objects.checkout(snapshot, base), list_missing(await objects.list_trees(snapshot, base))


@pytest.mark.parametrize("options", [(), SHA256], ids=["SHA-1", "SHA-256"])
async def test_one_that_is_checked_out_comes_along(tmp_path: Path, options: tuple[str, ...]) -> None:
    repository = make_submodule(tmp_path, "vendor/words", *options)
    # What counts is the commit that HEAD names, not what the submodule has at present.
    commit_in(repository / "vendor" / "words", "second\n")
    tree, missing = await check_out(repository, tmp_path / "run")
    assert missing == []
    assert (tree / "vendor/words/word").read_text() == "first\n"
    assert (tree / "vendor/words/pkg/a.py").read_text() == FILES["pkg/a.py"]
    assert not (tree / "vendor/words/.git").exists()
    files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert files == {*FILES, ".gitmodules", "vendor/words/word", *(f"vendor/words/{path}" for path in FILES)}


@pytest.mark.parametrize("options", [("--name", "../odd"), ("--name", "a/b c"), ()])
async def test_its_name_does_not_count(tmp_path: Path, options: tuple[str, ...]) -> None:
    repository = make_submodule(tmp_path)
    if options and ".." not in options[1]:
        add(repository, tmp_path / "other", "more", *options)
    else:
        # Git itself refuses such a name, which .gitmodules may have all the same.
        (repository / ".gitmodules").write_text('[submodule "../odd"]\n\tpath = elsewhere\n' if options else "")
        git(repository, "commit", "--quiet", "--all", "--message", "odd")
    tree, missing = await check_out(repository, tmp_path / "run")
    assert missing == []
    assert (tree / "vendor/words/word").read_text() == "first\n"
    assert (tree / "more").exists() is (options == ("--name", "a/b c"))


async def test_one_head_before_and_after_its_submodule_is_fetched(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(make_submodule(tmp_path)), str(clone))
    before, missing = await check_out(clone, tmp_path / "first")
    assert missing == ["vendor/words"]
    assert list((before / "vendor/words").iterdir()) == []
    update = ("submodule", "--quiet", "update", "--init", "--recursive")
    git(clone, "-c", "protocol.file.allow=always", *update)
    after, missing = await check_out(clone, tmp_path / "second")
    assert missing == []
    assert (after / "vendor/words/word").read_text() == "first\n"
    assert list((before / "vendor/words").iterdir()) == []
    git(clone, "submodule", "--quiet", "deinit", "--all")
    assert await check_out(clone, tmp_path / "third") == (before, ["vendor/words"])


async def test_nested_ones_come_along_and_are_named_when_they_are_missing(tmp_path: Path) -> None:
    inner = make_repository(tmp_path / "inner")
    other = make_repository(tmp_path / "other")
    add(other, inner, "deep/inner")
    repository = make_repository(tmp_path / "user")
    add(repository, other, "outer")
    tree, missing = await check_out(repository, tmp_path / "first")
    assert missing == ["outer/deep/inner"]
    assert (tree / "outer/pkg/a.py").exists()
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
    tree, missing = await check_out(repository, tmp_path / "second")
    assert missing == []
    assert (tree / "outer/deep/inner/pkg/a.py").read_text() == FILES["pkg/a.py"]


async def test_one_with_a_git_folder_of_its_own_that_nothing_declares_comes_along(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    make_repository(repository / "inner")
    git(repository, "add", "inner")
    git(repository, "commit", "--quiet", "--message", "inner")
    tree, missing = await check_out(repository / "pkg", tmp_path / "run")
    assert missing == []
    assert (tree / "inner/pkg/a.py").read_text() == FILES["pkg/a.py"]


async def test_one_in_a_linked_worktree_comes_along(tmp_path: Path) -> None:
    repository = make_submodule(tmp_path)
    git(repository, "worktree", "add", "--quiet", "-b", "work", str(tmp_path / "tree"))
    git(tmp_path / "tree", "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    tree, missing = await check_out(tmp_path / "tree", tmp_path / "run")
    assert missing == []
    assert (tree / "vendor/words/word").read_text() == "first\n"


def lack_commit(submodule: Path, aside: Path) -> None:
    shutil.rmtree(submodule)
    make_repository(submodule)


def lack_content(submodule: Path, aside: Path) -> None:
    git_folder = Path(git(submodule, "rev-parse", "--absolute-git-dir"))
    packs = list(git_folder.glob("objects/pack/*.pack"))
    for pack in packs:
        git(submodule, "unpack-objects", "-q", stdin=pack.rename(aside / "x.pack").read_bytes())
    oid = git(submodule, "rev-parse", "HEAD:pkg/b.py")
    (git_folder / "objects" / oid[:2] / oid[2:]).unlink()


def forge_content(submodule: Path, aside: Path) -> None:
    lack_content(submodule, aside)
    git_folder = Path(git(submodule, "rev-parse", "--absolute-git-dir"))
    oid = git(submodule, "rev-parse", "HEAD:pkg/b.py")
    other = git(submodule, "hash-object", "-w", "--stdin", stdin="forged\n")
    (git_folder / "objects" / oid[:2]).mkdir(exist_ok=True)
    (git_folder / "objects" / oid[:2] / oid[2:]).write_bytes(
        (git_folder / "objects" / other[:2] / other[2:]).read_bytes()
    )


def be_a_link(submodule: Path, aside: Path) -> None:
    shutil.rmtree(submodule)
    submodule.symlink_to(aside.parent / "other")


def be_below_a_link(submodule: Path, aside: Path) -> None:
    git(aside, "clone", "--quiet", str(aside.parent / "other"), "words")
    shutil.rmtree(submodule.parent)
    submodule.parent.symlink_to(aside)


def lead_elsewhere(submodule: Path, aside: Path) -> None:
    (submodule / ".git").write_text(f"gitdir: {aside.parent}/other/.git\n")


def link_git(submodule: Path, aside: Path) -> None:
    (submodule / ".git").unlink()
    (submodule / ".git").symlink_to(aside.parent / "other" / ".git")


def be_bare(submodule: Path, aside: Path) -> None:
    shutil.rmtree(submodule)
    git(aside, "clone", "--quiet", "--bare", str(aside.parent / "other"), str(submodule))
    (submodule / ".git").mkdir()


def lose_its_git(submodule: Path, aside: Path) -> None:
    (submodule / ".git").unlink()


def keep_its_commit_above(submodule: Path, aside: Path) -> None:
    """The repository above has the commit too, which makes it no submodule."""
    git(submodule.parents[1], "fetch", "--quiet", str(aside.parent / "other"))
    (submodule / ".git").unlink()
    (submodule / ".git").mkdir()


def have_another_hash(submodule: Path, aside: Path) -> None:
    shutil.rmtree(submodule)
    make_repository(submodule, *SHA256)


NOT_THERE = [
    lack_commit,
    lack_content,
    forge_content,
    be_a_link,
    be_below_a_link,
    lead_elsewhere,
    link_git,
    be_bare,
    lose_its_git,
    keep_its_commit_above,
    have_another_hash,
]


@pytest.mark.parametrize("change", NOT_THERE, ids=lambda change: change.__name__)
async def test_what_is_no_whole_submodule_is_not_there(tmp_path: Path, change: Callable[[Path, Path], None]) -> None:
    repository = make_submodule(tmp_path)
    (tmp_path / "aside").mkdir()
    change(repository / "vendor" / "words", tmp_path / "aside")
    tree, missing = await check_out(repository, tmp_path / "run")
    assert missing == ["vendor/words"]
    assert list((tree / "vendor/words").iterdir()) == []
    assert (tree / "pkg/a.py").read_text() == FILES["pkg/a.py"]


async def test_the_fix_of_a_repository_with_a_submodule_is_published_without_it(tmp_path: Path) -> None:
    repository = make_submodule(tmp_path)
    commit = await Story(repository, tmp_path / "run").run()
    assert git(repository, "diff", "--name-only", f"{commit}^", commit) == "pkg/a.py"
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "fsck", "--no-dangling") == ""


async def test_a_checkpoint_has_the_submodule_of_its_base_and_cannot_change_it(tmp_path: Path) -> None:
    story = Story(make_submodule(tmp_path), tmp_path / "run")
    snapshot = await story.take_snapshot()
    fix = await story.make_fix(snapshot)
    tree = await story.objects.checkout(snapshot, fix)
    assert [(tree / path).read_text() for path in ("pkg/a.py", "vendor/words/word")] == ["x = 2\n", "first\n"]
    for path in ("vendor/words/new.py", "vendor/words"):
        diff = patches.make_diff(path, None, "x = 1\n")
        request = CommitRequest(
            snapshot=snapshot, parent=fix, diff=await story.artifacts.put(diff.encode()), message="an attempt"
        )
        with pytest.raises(Exception, match="which is a link or below one"):
            await CheckpointActivities(story.artifacts, story.objects).commit_checkpoint(request)


def test_all_submodules_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_submodule(tmp_path)
    large = os.urandom(700_000)
    for folder in (repository / "vendor" / "words", repository):
        (folder / "large.bin").write_bytes(large[::-1] if folder == repository else large)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "large")
    assert [item.path for item in pack_head(repository, 2)] == ["", "vendor/words"]
    with pytest.raises(FatalError, match=r"packs to 1 MB, above .* 1 MB: .*, or run `git submodule deinit`"):
        pack_head(repository, 1)
    monkeypatch.setattr(trees, "_MOST_FILES", 9)
    with pytest.raises(FatalError, match="has too many files or bytes with vendor/words: run `git submodule deinit`"):
        pack_head(repository, 2)
    monkeypatch.undo()
    monkeypatch.setattr(trees, "_MOST_BYTES", 1_000_000)
    with pytest.raises(FatalError, match="has too many files or bytes with vendor/words: run `git submodule deinit`"):
        pack_head(repository, 2)


async def test_a_node_counts_them_together_before_it_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(make_submodule(tmp_path), tmp_path / "run")
    snapshot = await story.take_snapshot()
    monkeypatch.setattr(trees, "_MOST_FILES", 7)
    with pytest.raises(FatalError, match="has more than 7 files"):
        await story.objects.checkout(snapshot, Checkpoint(commit=snapshot.commit))
    assert {path.suffix for path in (tmp_path / "run" / "node" / "trees").iterdir()} == {".lock"}


def test_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_submodule(tmp_path)
    for number in range(2):
        add(repository, tmp_path / "other", f"sub{number}")
    monkeypatch.setattr(packs, "SUBMODULES", 2)
    with pytest.raises(FatalError, match="more than 2 submodules checked out: run `git submodule deinit`"):
        pack_head(repository, 10)
    git(repository, "submodule", "--quiet", "deinit", "sub1")
    assert [item.path for item in pack_head(repository, 10)] == ["", "sub0", "vendor/words"]
