"""GitLab: its interface for issues and merge requests."""

from __future__ import annotations

from urllib.parse import quote

from activities.forges.answers import Comment, ForgeIssue, read_object, read_objects, read_text
from activities.forges.github import PAGE
from activities.forges.server import ForgeServer, Query


class GitLab:
    """A project on a server of GitLab."""

    def __init__(self, server: ForgeServer) -> None:
        self._server = server
        self._root = f"/projects/{quote(server.project.path, safe='')}"

    async def read_issue(self, number: int) -> ForgeIssue:
        """Return an issue without its comments."""
        what = f"issue {number} of {self._server.project.path}"
        issue = read_object(await self._server.get(f"{self._root}/issues/{number}", what))
        return ForgeIssue(read_text(issue, "title"), read_text(issue, "description"), issue.get("user_notes_count"))

    async def read_comments(self, number: int, page: int) -> list[Comment]:
        """Return a page of the comments on an issue, the first being 1."""
        query: Query = {"per_page": PAGE, "page": page, "sort": "asc", "order_by": "created_at"}
        what = f"comments on issue {number}"
        rows = read_objects(await self._server.get(f"{self._root}/issues/{number}/notes", what, **query))
        # What GitLab itself notes, such as a changed label, comes as an empty comment: a page stays a page.
        return [
            Comment(read_text(row, "author", "username"), "" if row.get("system") else read_text(row, "body"))
            for row in rows
        ]

    async def read_default_branch(self) -> str:
        """Return the branch that merge requests are merged into by default."""
        return read_text(read_object(await self._server.get(self._root, "project")), "default_branch")

    async def has_branch(self, name: str) -> bool:
        """Return whether the project has a branch."""
        path = f"{self._root}/repository/branches/{quote(name, safe='')}"
        return await self._server.find(path, "branch") is not None

    async def has_commit(self, commit: str) -> bool:
        """Return whether the project has a commit."""
        return await self._server.find(f"{self._root}/repository/commits/{commit}", "commit") is not None

    async def find_pull_request(self, branch: str) -> str:
        """Return the address of the open merge request of a branch, empty where there is none."""
        query: Query = {"state": "opened", "source_branch": branch}
        rows = read_objects(await self._server.get(f"{self._root}/merge_requests", "merge requests", **query))
        # A fork may have a branch of the same name.
        own = (row for row in rows if row.get("source_project_id") == row.get("target_project_id"))
        return next((read_text(row, "web_url") for row in own if read_text(row, "source_branch") == branch), "")

    async def open_pull_request(self, title: str, body: str, branch: str, base: str) -> str:
        """Open a merge request that asks to merge a branch into another, and return its address."""
        asked = {"title": title, "description": body, "source_branch": branch, "target_branch": base}
        answer = await self._server.post(f"{self._root}/merge_requests", asked, "merge request")
        return read_text(read_object(answer), "web_url")
