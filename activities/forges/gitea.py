"""Gitea and Forgejo: GitHub's interface, but for pages."""

from __future__ import annotations

from activities.forges.answers import Comment, read_objects, read_text
from activities.forges.github import GitHub
from activities.forges.server import Query

# Open pull requests that are looked through, the last that were changed first.
_PAGE = 50
_PAGES = 4


class Gitea(GitHub):
    """A project on a server of Gitea or Forgejo."""

    async def read_comments(self, number: int, page: int) -> list[Comment]:
        """Return the comments on an issue, which all are on the first page."""
        return await super().read_comments(number, page) if page == 1 else []

    async def find_pull_request(self, branch: str) -> str:
        """Return the address of the open pull request of a branch, empty where none of the last is."""
        for page in range(1, _PAGES + 1):
            query: Query = {"state": "open", "sort": "recentupdate", "limit": _PAGE, "page": page}
            rows = read_objects(await self._server.get(f"{self._root}/pulls", "pull requests", **query))
            if address := next((read_text(row, "html_url") for row in rows if self._is_of(row, branch)), ""):
                return address
            if len(rows) < _PAGE:
                break
        return ""
