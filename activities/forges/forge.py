"""A project on a forge of whichever kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from activities.forges.addresses import ForgeKind, Project
from activities.forges.answers import Comment, ForgeIssue
from activities.forges.gitea import Gitea
from activities.forges.github import GitHub
from activities.forges.gitlab import GitLab
from activities.forges.server import ForgeServer, open_server
from hydranet.errors import UsageError

Tell = Callable[[str], None]

_ROOTS = {ForgeKind.GITHUB: "/api/v3", ForgeKind.GITLAB: "/api/v4", ForgeKind.GITEA: "/api/v1"}
_CLASSES: dict[ForgeKind, Callable[[ForgeServer], Forge]] = {
    ForgeKind.GITHUB: GitHub,
    ForgeKind.GITLAB: GitLab,
    ForgeKind.GITEA: Gitea,
}

# What each kind has at a place of its own, and answers to with JSON, if only that one has to log in.
_SIGNS = {ForgeKind.GITEA: "/version", ForgeKind.GITLAB: "/version", ForgeKind.GITHUB: "/meta"}


class Forge(Protocol):
    """What is read and opened in a project."""

    async def read_issue(self, number: int) -> ForgeIssue:
        """Return an issue without its comments; UsageError for a pull request."""

    async def read_comments(self, number: int, page: int) -> list[Comment]:
        """Return a page of the comments on an issue, the first being 1."""

    async def read_default_branch(self) -> str:
        """Return the branch that pull requests are merged into by default."""

    async def has_branch(self, name: str) -> bool:
        """Return whether the project has a branch."""

    async def has_commit(self, commit: str) -> bool:
        """Return whether the project has a commit."""

    async def find_pull_request(self, branch: str) -> str:
        """Return the address of the open pull request of a branch, empty where there is none."""

    async def open_pull_request(self, title: str, body: str, branch: str, base: str) -> str:
        """Open a pull request that asks to merge a branch into another, and return its address."""


@asynccontextmanager
async def open_forge(project: Project, tell: Tell) -> AsyncIterator[Forge]:
    """Open a project; `tell` hears what is waited for. UsageError for a server that is no forge."""
    kind = await find_kind(project, tell)
    async with open_server(project, kind, _find_root(project, kind), tell) as server:
        yield _CLASSES[kind](server)


async def find_kind(project: Project, tell: Tell) -> ForgeKind:
    """Return the kind of a project's forge, which is asked where the address does not tell, without any token."""
    if project.kind is not None:
        return project.kind
    for kind, sign in _SIGNS.items():
        async with open_server(project, kind, _find_root(project, kind), tell, token=False) as server:
            if await server.answers(sign):
                return kind
    kinds = ", ".join(ForgeKind)
    raise UsageError(f"{project.server} is no server of {kinds}: correct the address.")


def _find_root(project: Project, kind: ForgeKind) -> str:
    if project.server == "github.com":
        return "https://api.github.com"
    return f"{project.origin.scheme}://{project.server}{_ROOTS[kind]}"
