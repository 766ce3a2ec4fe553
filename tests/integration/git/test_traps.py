"""No program that a repository declares is run, whatever a run or a command does with the repository."""

from pathlib import Path

import pytest

from hydra_cli.repository import Repository
from tests.integration.git.repositories import FILES, FIXED, Story, git
from tests.integration.git.traps import TRAPS, arm, spring


@pytest.mark.parametrize("name", TRAPS)
def test_git_itself_springs_the_trap(tmp_path: Path, name: str) -> None:
    repository, marker = arm(TRAPS[name], tmp_path)
    spring(TRAPS[name], repository, tmp_path)
    assert marker.exists()


@pytest.mark.parametrize("name", TRAPS)
async def test_no_step_springs_the_trap(tmp_path: Path, name: str) -> None:
    repository, marker = arm(TRAPS[name], tmp_path)
    story = Story(repository, tmp_path / "run")
    if refused := TRAPS[name].refused:
        Repository.open(repository)
        story.check_out_instance()
        with pytest.raises(Exception, match=refused):
            await story.take_snapshot()
        assert not marker.exists()
        return
    commit = await story.run()
    assert not marker.exists()
    # The traps are taken away, so that plain git can be asked what there is now.
    (repository / ".git" / "config").write_text("[core]\n\tbare = false\n")
    (repository / ".git" / "config.worktree").unlink(missing_ok=True)
    assert git(repository, "rev-parse", "HEAD", "hydra/fix-it-breaks").split() == [commit, commit]
    assert git(repository, "diff", "--name-only", "HEAD^", "HEAD") == "pkg/a.py"
    assert git(repository, "show", "HEAD:pkg/a.py") == FIXED.strip()
    assert git(repository, "show", "HEAD:pkg/b.py") == FILES["pkg/b.py"].strip()
    assert git(repository, "fsck", "--full", "--strict") == ""
