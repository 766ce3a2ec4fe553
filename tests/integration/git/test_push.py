"""Pushing a fix over HTTP to a real git: with the user's credentials, and with nothing that the repository declares."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.git.push import push_commit
from activities.git.user_repository import UserRepository
from hydranet.errors import FatalError
from tests.integration.git.repositories import git, make_repository
from tests.stand_in_forge import PATH, Reply, StandInForge, serve, write_certificate

BRANCH = "hydra/fix-x"
USER = '[credential]\n\thelper = "!f() {{ echo username=user; echo password={0}; }}; f"\n'


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration of git, with a helper that knows the password."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text(USER.format("s3cret"))
    return tmp_path / "gitconfig"


def make_forge(folder: Path) -> StandInForge:
    bare = folder / f"{PATH}.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare")
    return StandInForge("gitea", token="s3cret", projects=folder)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[StandInForge]:
    with serve(make_forge(tmp_path / "projects")) as served:
        yield served


@pytest.fixture
def clone(tmp_path: Path, forge: StandInForge) -> Path:
    repository = make_repository(tmp_path / "clone")
    git(repository, "remote", "add", "origin", url(forge))
    return repository


def url(forge: StandInForge) -> str:
    return f"{forge.address}/{PATH}.git"


def there(forge: StandInForge) -> dict[str, str]:
    """The branches that the forge has, with their commits."""
    assert forge.projects is not None
    rows = git(forge.projects / f"{PATH}.git", "for-each-ref", "--format=%(refname:short) %(objectname)")
    return dict(row.split(" ", 1) for row in rows.splitlines())


def push(clone: Path, forge: StandInForge, revision: str = "HEAD") -> None:
    push_commit(UserRepository.find(clone), url(forge), git(clone, "rev-parse", revision), BRANCH)


def test_a_commit_becomes_a_branch_and_nothing_else_is_pushed(clone: Path, forge: StandInForge) -> None:
    git(clone, "tag", "v1")
    before = git(clone, "for-each-ref"), (clone / ".git" / "config").read_text()
    for _ in range(2):
        push(clone, forge)
        assert there(forge) == {BRANCH: git(clone, "rev-parse", "HEAD")}
    assert before == (git(clone, "for-each-ref"), (clone / ".git" / "config").read_text())


def test_a_branch_is_moved_forward_and_never_overwritten(clone: Path, forge: StandInForge) -> None:
    push(clone, forge, "HEAD^")
    push(clone, forge)
    with pytest.raises(FatalError, match=f"has another branch {BRANCH}, which is not overwritten"):
        push(clone, forge, "HEAD^")
    assert there(forge) == {BRANCH: git(clone, "rev-parse", "HEAD")}


def test_only_branches_of_fixes_are_pushed(clone: Path, forge: StandInForge) -> None:
    with pytest.raises(FatalError, match="main is no branch of a fix"):
        push_commit(UserRepository.find(clone), url(forge), git(clone, "rev-parse", "HEAD"), "main")
    assert forge.requests == []


def test_git_that_has_no_login_does_not_ask(clone: Path, forge: StandInForge, user: Path) -> None:
    user.write_text("")
    with pytest.raises(FatalError, match=r"does not take the fix .*could not read Username"):
        push(clone, forge)
    user.write_text(USER.format("wrong"))
    with pytest.raises(FatalError, match=r"does not take the fix .*Authentication failed"):
        push(clone, forge)
    assert there(forge) == {}


def test_a_login_does_not_follow_a_redirect(clone: Path, forge: StandInForge) -> None:
    with serve(StandInForge("gitea")) as moved:
        path = f"/{PATH}.git/info/refs"
        moved.replies[path] = [Reply(302, "", {"location": f"{forge.address}{path}?service=git-receive-pack"})]
        with pytest.raises(FatalError, match="does not take the fix"):
            push(clone, moved)
    assert forge.requests == []


def test_the_users_certificate_counts(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = write_certificate(tmp_path)
    with serve(make_forge(tmp_path / "secure"), certificate) as secure:
        with pytest.raises(FatalError, match=r"does not take the fix .*certificate"):
            push(clone, secure)
        monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
        push(clone, secure)
        assert BRANCH in there(secure)


def test_the_users_own_ssh_is_used(clone: Path, forge: StandInForge, tmp_path: Path, user: Path) -> None:
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nfor command; do :; done\ncd {forge.projects} && eval "$command"\n')
    program.chmod(0o755)
    user.write_text(f"[core]\n\tsshCommand = {program}\n")
    commit = git(clone, "rev-parse", "HEAD")
    push_commit(UserRepository.find(clone), f"git@127.0.0.1:{PATH}.git", commit, BRANCH)
    assert there(forge) == {BRANCH: commit}
    assert forge.requests == []


TRAPS = {
    "a hook": {"core.hooksPath": "{folder}"},
    "a credential helper": {"credential.helper": "{program}"},
    "a program that asks": {"core.askPass": "{program}"},
    "another address": {"url.ext::{program} %S /.insteadOf": "http://", "protocol.ext.allow": "always"},
    "a signature": {"push.gpgSign": "true", "gpg.program": "{program}"},
    "a program at the other end": {"remote.origin.receivepack": "{program}", "core.sshCommand": "{program}"},
}


@pytest.mark.parametrize("name", TRAPS)
def test_nothing_that_the_repository_declares_runs_when_a_fix_is_pushed(
    name: str, clone: Path, forge: StandInForge, tmp_path: Path, user: Path
) -> None:
    marker, program = tmp_path / "marker", tmp_path / "hooks" / "pre-push"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $0 >>{marker}\nexit 1\n")
    program.chmod(0o755)
    git(clone, "config", "remote.origin.url", url(forge))
    for key, value in TRAPS[name].items():
        git(clone, "config", key.format(program=program), value.format(program=program, folder=program.parent))
    if name == "a program that asks":
        user.write_text("")
        with pytest.raises(FatalError, match="could not read Username"):
            push(clone, forge)
    else:
        push(clone, forge)
        assert BRANCH in there(forge)
    assert not marker.exists()
    if name in ("a signature", "a program at the other end"):
        return  # What speaks HTTP asks for neither; plain git runs them with other servers.
    subprocess.run(["git", "push", "origin", "main"], cwd=clone, stdin=subprocess.DEVNULL, capture_output=True)
    assert marker.exists()


def test_the_remote_that_is_pushed_to_is_the_repositorys_default(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r")
    assert UserRepository.find(repository).default_remote == ""
    git(repository, "remote", "add", "mine.own", "a")
    assert UserRepository.find(repository).default_remote == "mine.own"
    git(repository, "remote", "add", "theirs", "b")
    assert UserRepository.find(repository).default_remote == ""
    git(repository, "remote", "add", "origin", "c")
    assert UserRepository.find(repository).default_remote == "origin"
    git(repository, "config", "remote.pushDefault", "theirs")
    git(repository, "config", "remote.theirs.pushurl", "d")
    found = UserRepository.find(repository)
    assert (found.default_remote, found.remotes) == ("theirs", {"mine.own": "a", "theirs": "d", "origin": "c"})
