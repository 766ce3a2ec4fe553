"""The user's repository as a command sees it, and what the stack's database keeps of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from activities.artifacts.database import open_database
from hydra_cli.session import attach_session
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.settings import Settings
from hydranet.text.escaping import clean_text, format_command

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.retrieval.store import GraphStore


@dataclass(frozen=True)
class Repository:
    """A Git repository with at least one commit; `branch` is the one that is checked out, if one is."""

    path: Path
    dirty: bool
    branch: str = ""

    @classmethod
    def open(cls, path: Path) -> Repository:
        """Return the repository that `path` lies in; UsageError when there is none or it has no commit."""
        if not path.is_dir():
            raise UsageError(f"{path} is not a folder: name a Git repository with --repo.")
        top = _run_git(path, "rev-parse", "--show-toplevel")
        if top is None:
            raise UsageError(f"{path} is not in a Git repository: run `git init` and commit, or correct --repo.")
        if _run_git(path, "rev-parse", "--verify", "HEAD") is None:
            raise UsageError(f"The repository {top} has no commit: commit the code that is to be fixed.")
        if top != clean_text(top):
            raise UsageError(f"The path {top} is not UTF-8, so no record could hold it: rename the folder.")
        dirty = bool(_run_git(Path(top), "status", "--porcelain", "--untracked-files=no"))
        return cls(Path(top), dirty, _run_git(path, "symbolic-ref", "--quiet", "--short", "HEAD") or "")

    @property
    def name(self) -> str:
        """The folder's name in letters, digits and hyphens."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.path.name).strip("-")[:40].lower() or "repository"


def _run_git(path: Path, *arguments: str) -> str | None:
    # The repository is not trusted: its own configuration could name programs for git to run.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        finished = subprocess.run(command, cwd=path, capture_output=True, text=True, errors="surrogateescape")
    except FileNotFoundError:
        raise UsageError("git is not installed: install it first.") from None
    return finished.stdout.strip() if finished.returncode == 0 else None


@asynccontextmanager
async def open_stack_database(chosen: Settings) -> AsyncIterator[AsyncConnectionPool]:
    """Open the database of the stack, which is started when none is running."""
    async with attach_session(chosen) as session, open_database(session.stack.database) as pool:
        yield pool


@asynccontextmanager
async def open_graph_store(repository: Repository) -> AsyncIterator[GraphStore]:
    """Open the store of code graphs by the repository's settings."""
    from activities.retrieval.store import GraphStore

    async with open_stack_database(settings.load_settings(repository.path)) as pool:
        yield GraphStore(pool)


def explain_not_indexed(repository: Repository) -> str:
    """Return the sentence for a repository without an index."""
    return (
        f"{repository.path} is not indexed: run `{format_command('hydra', 'index', '--repo', str(repository.path))}`."
    )
