"""The user's repository as a command sees it, and what the stack's database keeps of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from activities.artifacts.database import open_database
from activities.checkpoints.publication import check_publishable
from activities.git.trees import TreeReader, walk_tree
from activities.git.user_repository import UserRepository
from activities.sandbox.command_offers import list_test_commands
from hydra_cli.session import attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import FatalError, UsageError
from hydranet.settings import Settings
from hydranet.text.escaping import clean_text, format_command

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.retrieval.store import GraphStore

_PROJECT_FILES = (
    *("hydra.config.json", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini", "pytest.ini"),
    *("manage.py", "package.json", "go.mod", "Cargo.toml", "Makefile"),
)


@dataclass(frozen=True)
class Repository:
    """A Git repository with at least one commit; `branch` is the one that is checked out, if one is.

    `named` is the folder of it that was named, and `project` that of the project there, from the top of the
    repository; empty is the top.
    """

    path: Path
    dirty: bool
    branch: str = ""
    named: str = ""
    project: str = ""

    @classmethod
    def open(cls, path: Path) -> Repository:
        """Return the repository that `path` lies in; UsageError when there is none or it has no commit."""
        try:
            if not path.is_dir():
                raise UsageError(f"{path} is not a folder: name a Git repository with --repo.")
            repository = UserRepository.find(path)
            if repository.is_bare:
                raise UsageError(f"{repository.folder} is a bare repository: name a clone that has files with --repo.")
            head = repository.resolve_head()
            if str(repository.folder) != clean_text(str(repository.folder)):
                raise UsageError(
                    f"The path {repository.folder} is not UTF-8, so no record could hold it: rename the folder."
                )
            named = PurePosixPath(path.resolve().relative_to(repository.folder))
            project = _find_project(repository, head, named)
            return cls(repository.folder, repository.is_dirty(), repository.branch, _name(named), _name(project))
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}): make it readable for you.") from None
        except FatalError as error:
            raise UsageError(str(error)) from None

    def check_publishable(self, slug: str) -> None:
        """Raise UsageError with what stands in the way of a fix on the branch `hydra/fix-<slug>`."""
        try:
            check_publishable(UserRepository.find(self.path), slug)
        except FatalError as error:
            raise UsageError(str(error)) from None

    def find_test_script(self) -> str:
        """Return the command of the project's test script, where no Python code lies beside it; else nothing."""
        try:
            with (repository := UserRepository.find(self.path)).open() as opened:
                head = repository.resolve_head()
                paths = walk_tree(opened, head).files
                with TreeReader(opened, head) as reader:
                    return self._find_script(paths, reader)
        except FatalError as error:
            raise UsageError(str(error)) from None

    def _find_script(self, paths: Iterable[str], reader: TreeReader) -> str:
        folder = f"{self.project}/" if self.project else ""
        inner = {path.removeprefix(folder) for path in paths if path.startswith(folder)}
        if any(path.endswith(".py") for path in inner) or "package.json" not in inner:
            return ""

        def read(name: str) -> str | None:
            item = reader.find(f"{folder}{name}")
            return reader.read(item).decode("utf-8", "replace") if item is not None else None

        return next(iter(list_test_commands(inner & {"package.json", "pnpm-lock.yaml", "yarn.lock"}, read)), "")

    @property
    def name(self) -> str:
        """The folder's name in letters, digits and hyphens."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.path.name).strip("-")[:40].lower() or "repository"


def _find_project(repository: UserRepository, head: str, named: PurePosixPath) -> PurePosixPath:
    """The folder of a commit at or above `named` that has files of a project, such as its settings and its set-up."""
    if not named.parts:
        return named
    with repository.open() as opened, TreeReader(opened, head) as reader:
        for folder in (named, *named.parents):
            if any(reader.find(str(folder / name)) is not None for name in _PROJECT_FILES):
                return folder
    return PurePosixPath()


def _name(folder: PurePosixPath) -> str:
    return str(folder) if folder.parts else ""


def use_test_script(repository: Repository, chosen: Settings) -> Settings:
    """Return the settings with the test script of a project without Python, where they name no command themselves."""
    usual = type(chosen.sandbox).model_fields["test_command"].default
    script = repository.find_test_script() if chosen.sandbox.test_command == usual else ""
    if not script:
        return chosen
    write_line(f"Tests    {script}, by package.json: --test names another command", error=True)
    return chosen.model_copy(update={"sandbox": chosen.sandbox.model_copy(update={"test_command": script})})


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
