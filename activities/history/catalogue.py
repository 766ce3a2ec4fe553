"""The catalogue of runs: those on record, listed page by page and searched on indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

PAGE = 200
"""The runs of a page."""

_QUERY = """
    SELECT run_id, coalesce(verdict, ''), repository, title, started_at, imported, branches, reaps, highest
    FROM (SELECT * FROM runs WHERE {conditions} ORDER BY started_at DESC, run_id DESC LIMIT %s) r,
        LATERAL (SELECT count(*) AS branches, count(*) FILTER (WHERE ending = 'reaped') AS reaps,
            coalesce(max(convergence), 0) AS highest FROM branches b WHERE b.run_id = r.run_id) counts
    ORDER BY started_at DESC, run_id DESC
"""
_WORDS = "to_tsquery('simple', replace(split_words(%s), ' ', ':* & ') || ':*')"
# Two searches, each on its index; with OR between them every run would be read.
_MATCHES = """
    run_id IN (
        SELECT run_id FROM runs WHERE words @@ {words} UNION ALL SELECT run_id FROM branches WHERE words @@ {words}
    )
"""


@dataclass(frozen=True)
class RunFilter:
    """Which runs are wanted; what is empty or None leaves none out.

    The words of `text` begin words of the issue, or of what was tried.
    """

    repository: str = ""
    since: datetime | None = None
    verdict: str = ""
    text: str = ""


class RunSummary(NamedTuple):
    """A run in a list; the verdict is empty where the run is open, or ended without one."""

    run_id: str
    verdict: str
    repository: str
    title: str
    started: datetime
    imported: bool
    branches: int
    reaps: int
    highest_convergence: float


class RunCatalogue:
    """The tables `runs` and `branches`."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def list_all(self, wanted: RunFilter = RunFilter(), page: int = PAGE) -> AsyncIterator[RunSummary]:
        """Yield the runs that fit, the newest first; they are read page by page."""
        after: RunSummary | None = None
        while True:
            rows = await self.read_page(wanted, after, page)
            for row in rows:
                yield row
            if len(rows) < page:
                return
            after = rows[-1]

    async def read_page(
        self, wanted: RunFilter = RunFilter(), after: RunSummary | None = None, page: int = PAGE
    ) -> list[RunSummary]:
        """Return the runs of one page: the newest, or those after the last one of the page before."""
        conditions, values = _write_conditions(wanted, after)
        # The page is chosen first, so that the branches of its runs alone are counted.
        query = _QUERY.format(conditions=" AND ".join(conditions))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), (*values, page))
            return [RunSummary(*row) for row in await cursor.fetchall()]

    async def find(self, part: str) -> list[str]:
        """Return the ids that contain `part`, at most a hundred, the newest first; that alone where one is equal."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT run_id FROM runs WHERE strpos(run_id, %s) > 0 ORDER BY run_id = %s DESC, started_at DESC"
                " LIMIT 100",
                (part, part),
            )
            ids = [run_id for (run_id,) in await cursor.fetchall()]
        return [part] if part in ids else ids

    async def list_ids(self, identity: str) -> set[str]:
        """Return the ids on record of the runs of one repository and issue: `identity`, and those with a number."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT run_id FROM runs WHERE run_id = %s OR starts_with(run_id, %s)", (identity, f"{identity}-")
            )
            return {run_id for (run_id,) in await cursor.fetchall()}

    async def find_start(self, run_id: str) -> datetime | None:
        """Return when a run began, None where it is not on record."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT started_at FROM runs WHERE run_id = %s", (run_id,))
            row = await cursor.fetchone()
        return row[0] if row else None


def _write_conditions(wanted: RunFilter, after: RunSummary | None) -> tuple[list[str], list[Any]]:
    conditions: dict[str, list[Any]] = {"true": []}
    if wanted.repository:
        conditions["repository = %s"] = [wanted.repository]
    if wanted.since is not None:
        conditions["started_at >= %s"] = [wanted.since]
    if wanted.verdict:
        conditions["verdict = %s"] = [wanted.verdict]
    if wanted.text:
        # The words may stand in the run or in one of its branches.
        conditions[_MATCHES.format(words=_WORDS)] = [wanted.text, wanted.text]
    if after is not None:
        conditions["(started_at, run_id) < (%s, %s)"] = [after.started, after.run_id]
    return [*conditions], [value for values in conditions.values() for value in values]
