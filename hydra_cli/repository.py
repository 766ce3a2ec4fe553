"""The user's repository as a command sees it, before anything is started."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hydranet.errors import UsageError


@dataclass(frozen=True)
class Repository:
    """A Git repository with at least one commit; `branch` is the one that is checked out, if one is."""

    path: Path
    dirty: bool
    branch: str = ""

    @classmethod
    def open(cls, path: Path) -> Repository:
        """The repository that `path` lies in; UsageError when there is none or it has no commit."""
        if not path.is_dir():
            raise UsageError(f"{path} is not a folder: name a Git repository with --repo.")
        top = _git(path, "rev-parse", "--show-toplevel")
        if top is None:
            raise UsageError(f"{path} is not in a Git repository: run `git init` and commit, or correct --repo.")
        if _git(path, "rev-parse", "--verify", "HEAD") is None:
            raise UsageError(f"The repository {top} has no commit: commit the code the fix is to be made for.")
        dirty = bool(_git(Path(top), "status", "--porcelain", "--untracked-files=no"))
        return cls(Path(top), dirty, _git(path, "symbolic-ref", "--quiet", "--short", "HEAD") or "")

    @property
    def name(self) -> str:
        """The folder's name in letters, digits and hyphens."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.path.name).strip("-")[:40].lower() or "repository"


def _git(path: Path, *arguments: str) -> str | None:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(command, cwd=path, capture_output=True, text=True, errors="replace")
    except FileNotFoundError:
        raise UsageError("git is not installed: install it first.") from None
    return done.stdout.strip() if done.returncode == 0 else None
