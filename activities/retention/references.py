"""The checkpoints of dead attempts in the user's repositories, which are kept for a while after a fix."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from activities.git.command import GitError, run_git
from activities.git.user_repository import UserRepository
from hydranet.contracts import Removal
from hydranet.errors import HydraError
from hydranet.genealogy import Verdict

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_NAME = re.compile(r"refs/hydra/(?P<run>[^/]+)/b(?P<branch>[0-9]{2,})/attempt-(?P<attempt>[0-9]{3,})")

_WITH_FIX = [verdict.value for verdict in Verdict if verdict.has_fix]

# Of a run that came by `hydra import` nothing here is known.
_FIXED = """
    SELECT run_id, number, (
        SELECT max((attempt->>'number')::int) FROM jsonb_array_elements(branch->'attempts') AS attempt
        WHERE attempt->>'outcome' = 'passed'
    ) FROM runs JOIN branches USING (run_id)
    WHERE verdict = ANY(%s) AND ending = 'passed' AND NOT imported AND run_id = ANY(%s)
        AND runs.updated_at < now() - make_interval(days => %s)
"""


async def sweep_references(
    pool: AsyncConnectionPool, paths: Iterable[str], days: int, *, dry_run: bool
) -> tuple[Removal, list[str]]:
    """Remove the references to dead attempts of runs that were fixed long ago; return how many, and what was wrong."""
    count, problems = 0, []
    for path in paths if days else ():
        try:
            listed = await asyncio.to_thread(_list_references, Path(path))
            async with pool.connection() as connection:
                runs = list({match["run"] for name in listed if (match := _NAME.fullmatch(name))})
                cursor = await connection.execute(_FIXED.encode(), (_WITH_FIX, runs, days))
                passed: dict[str, tuple[int, int]] = {run: (*place,) for run, *place in await cursor.fetchall()}
            dead = {name: commit for name, commit in listed.items() if _is_dead(name, passed)}
            if dead and not dry_run:
                await asyncio.to_thread(_delete, Path(path), dead)
            count += len(dead)
        except (HydraError, GitError, OSError) as error:
            problems.append(str(error))
    return Removal(what="checkpoints", count=count), problems


def _is_dead(name: str, passed: Mapping[str, tuple[int, int]]) -> bool:
    # The attempts that led to the one that passed are its ancestors.
    match = _NAME.fullmatch(name)
    place = passed.get(match["run"]) if match else None
    return match is not None and place is not None and place != (int(match["branch"]), int(match["attempt"]))


def _list_references(path: Path) -> dict[str, str]:
    with UserRepository.find(path).open() as folder:
        listed = run_git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/hydra/")
    rows = (row.partition(" ") for row in listed.decode("utf-8", "surrogateescape").splitlines())
    return {name: commit for commit, _, name in rows}


def _delete(path: Path, references: Mapping[str, str]) -> None:
    repository = UserRepository.find(path)
    repository.check_writable([*references])
    with repository.open(write=True) as folder:
        rows = "".join(f"delete {name}\0{commit}\0" for name, commit in references.items())
        run_git(folder, "update-ref", "-z", "--stdin", stdin=rows.encode("utf-8", "surrogateescape"))
