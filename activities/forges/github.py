"""GitHub: its interface for issues and pull requests, which Gitea's follows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from activities.forges.answers import Comment, ForgeIssue, read_object, read_objects, read_text
from activities.forges.server import ForgeServer
from hydranet.errors import UsageError

PAGE = 20
"""Comments to a page: as many of the longest as an answer may hold."""


class GitHub:
    """A project on GitHub, or on a server of GitHub Enterprise."""

    def __init__(self, server: ForgeServer) -> None:
        self._server = server
        self._root = f"/repos/{server.project.path}"

    async def read_issue(self, number: int) -> ForgeIssue:
        """Return an issue without its comments; UsageError for a pull request."""
        what = f"issue {number} of {self._server.project.path}"
        issue = read_object(await self._server.get(f"{self._root}/issues/{number}", what))
        if issue.get("pull_request"):
            raise UsageError(f"{what[0].upper()}{what[1:]} is a pull request: name the issue that it is about.")
        return ForgeIssue(read_text(issue, "title"), read_text(issue, "body"), issue.get("comments"))

    async def read_comments(self, number: int, page: int) -> list[Comment]:
        """Return a page of the comments on an issue, the first being 1."""
        rows = await self._server.get(
            f"{self._root}/issues/{number}/comments", f"comments on issue {number}", per_page=PAGE, page=page
        )
        return [Comment(read_text(row, "user", "login"), read_text(row, "body")) for row in read_objects(rows)]

    async def read_default_branch(self) -> str:
        """Return the branch that pull requests are merged into by default."""
        return read_text(read_object(await self._server.get(self._root, "project")), "default_branch")

    async def has_branch(self, name: str) -> bool:
        """Return whether the project has a branch."""
        return await self._server.find(f"{self._root}/branches/{quote(name, safe='')}", "branch") is not None

    async def has_commit(self, commit: str) -> bool:
        """Return whether the project has a commit."""
        return await self._server.find(f"{self._root}/git/commits/{commit}", "commit") is not None

    async def find_pull_request(self, branch: str) -> str:
        """Return the address of the open pull request of a branch, empty where there is none."""
        owner = self._server.project.path.partition("/")[0]
        rows = await self._server.get(f"{self._root}/pulls", "pull requests", state="open", head=f"{owner}:{branch}")
        return next((read_text(row, "html_url") for row in read_objects(rows) if self._is_of(row, branch)), "")

    async def open_pull_request(self, title: str, body: str, branch: str, base: str) -> str:
        """Open a pull request that asks to merge a branch into another, and return its address."""
        asked = {"title": title, "body": body, "head": branch, "base": base}
        return read_text(read_object(await self._server.post(f"{self._root}/pulls", asked, "pull request")), "html_url")

    def _is_of(self, row: dict[str, Any], branch: str) -> bool:
        # A fork may have a branch of the same name.
        same = read_text(row, "head", "repo", "full_name").casefold() == self._server.project.path.casefold()
        return same and read_text(row, "head", "ref") == branch
