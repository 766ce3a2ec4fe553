"""Fixes that were verified: where they were, so that a similar issue begins there. Kept per repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activities.retrieval.sql import load_statement

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_KEPT = 500
_TERMS = 64

# What a function counts that was fixed once, and one whose issue was this very one.
_ONCE = 0.1


@dataclass(frozen=True, slots=True)
class Fix:
    """A function that a fix has changed, and the numbers of the terms of the issue."""

    path: str
    name: str
    terms: frozenset[int]


class Fixes:
    """The fixes of all repositories in the database behind `pool`."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def add(self, repository: str, path: str, name: str, terms: Mapping[int, float]) -> None:
        """Remember that the fix of an issue with `terms`, by number with their weights, changed a function."""
        heaviest = sorted(sorted(terms), key=lambda item: -terms[item])[:_TERMS]
        packed = np.array(sorted(heaviest), "<u4").tobytes()
        async with self._pool.connection() as connection:
            await connection.execute(load_statement("add_fix"), (repository, path, name, packed))

    async def of(self, repository: str) -> list[Fix]:
        """Return the latest fixes of a repository."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(load_statement("fixes"), (repository, _KEPT))).fetchall()
        return [Fix(path, name, frozenset(np.frombuffer(terms, "<u4").tolist())) for path, name, terms in rows]

    async def forget(self, repository: str) -> int:
        """Forget the fixes of a repository; how many there were."""
        async with self._pool.connection() as connection:
            return len(await (await connection.execute(load_statement("forget_fixes"), (repository,))).fetchall())


def measure_likeness(fixes: Sequence[Fix], terms: Mapping[int, float]) -> dict[tuple[str, str], float]:
    """Return how much earlier fixes speak for each function (path, name), 0 to 1, by the likeness of their issues."""
    whole = sum(terms.values()) or 1.0
    likeness: dict[tuple[str, str], float] = {}
    for fix in fixes:
        shared = sum(weight for term, weight in terms.items() if term in fix.terms) / whole
        place = fix.path, fix.name
        likeness[place] = max(likeness.get(place, 0.0), _ONCE + (1 - _ONCE) * shared)
    return likeness
