"""Submodules and files of Git LFS are known to a run, because tests may miss their content."""

from pathlib import Path

from activities.git.objects import GitObjects
from activities.git.placeholders import describe_placeholders
from hydranet.contracts import Checkpoint
from tests.integration.git.repositories import Story, git, make_repository

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{0}\nsize 12345\n"


async def describe(story: Story) -> str:
    snapshot = await story.take_snapshot()
    objects, base = GitObjects(story.scratch / "sandbox", story.artifacts), Checkpoint(commit=snapshot.commit)
    return describe_placeholders(await objects.list_trees(snapshot, base))


async def test_what_lies_elsewhere_is_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    assert await describe(Story(repository, tmp_path / "first")) == ""
    other = make_repository(tmp_path / "other")
    (other / "small.bin").write_text(POINTER.format("b" * 64))
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "a pointer")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    (repository / "large.bin").write_text(POINTER.format("a" * 64))
    (repository / "about.txt").write_text("About " + POINTER.format("a" * 64))
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "more")
    expected = "without the Git LFS content of large.bin and sub/small.bin"
    assert await describe(Story(repository, tmp_path / "second")) == expected
    git(repository, "submodule", "--quiet", "deinit", "--force", "sub")
    expected = "without the content of the submodules sub; without the Git LFS content of large.bin"
    assert await describe(Story(repository, tmp_path / "third")) == expected


async def test_many_are_counted(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    for number in range(9):
        (repository / f"{number}.bin").write_text(POINTER.format(f"{number}" * 64))
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "more")
    described = await describe(Story(repository, tmp_path / "run"))
    assert described == "without the Git LFS content of 0.bin, 1.bin, 2.bin, 3.bin and 5 others"
