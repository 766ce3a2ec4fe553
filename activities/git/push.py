"""Pushing a fix with the user's own git: their credentials and keys, and nothing that the repository declares."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from activities.git.command import PATH, SETTINGS, TIMEOUT_SECONDS, GitError, check_id, end_git, start_process
from activities.git.packs import require_commit
from activities.git.user_repository import UserRepository
from hydranet.contracts import FIX_BRANCH
from hydranet.errors import FatalError

# How the user's git finds their settings, keys and certificates. Others would have it work elsewhere.
_KEPT = re.compile(r"GIT_(?:ASKPASS|CONFIG_\w+|SSH\w*|SSL_\w+)")

_REJECTED = re.compile(r"^!\t.*\[rejected\]", re.MULTILINE)

# The credentials for a server are asked for by that server alone.
_SETTINGS = {**SETTINGS, "http.followRedirects": "false"}
_OPTIONS = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")


def push_commit(repository: UserRepository, url: str, commit: str, branch: str) -> None:
    """Make a branch of a remote name a commit, or move it forward to it; FatalError with why it was not.

    Git runs in a folder of our own, so it obeys the user's configuration and not the repository's. It asks nothing in
    the terminal.
    """
    if not branch.startswith(FIX_BRANCH):
        raise FatalError(f"{branch} is no branch of a fix, and nothing else is pushed.")
    with repository.open() as folder:
        try:
            require_commit(folder, commit)
        except GitError:
            raise FatalError(f"{repository.folder} lacks the fix: name its repository with --repo.") from None
        _push(folder, url, f"{check_id(commit)}:refs/heads/{branch}")


def _push(folder: Path, url: str, refspec: str) -> None:
    settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    command = ["git", *settings, "push", *_OPTIONS, "--end-of-options", url, refspec]
    with start_process(command, folder, _make_environment(folder, url), subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise FatalError(f"{url} did not take the fix within {TIMEOUT_SECONDS:.0f} seconds.") from None
        finally:
            end_git(process)
    if process.returncode == 0:
        return
    if _REJECTED.search(output.decode(errors="replace")):
        branch = refspec.partition(":refs/heads/")[2]
        raise FatalError(f"{url} has another branch {branch}, which is not overwritten: delete it there first.")
    reason = GitError.of("git push failed", errors)
    raise FatalError(f"{url} does not take the fix ({reason}): see that your own `git push` to it works unasked.")


def _make_environment(folder: Path, url: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    return {
        **own,
        "PATH": PATH,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "http" if url.startswith("http://") else "https:ssh",
        "GIT_DIR": str(folder),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
