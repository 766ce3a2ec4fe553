"""The list of finished runs, and the search in it: the time that the database takes, by page.

`python -m benchmarks.run_history [RUNS]`: 1,000 runs of twelve branches with up to eight attempts each, on a PostgreSQL
of its own. Tells the time of each query (median and worst, ms).
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import open_database
from activities.history.catalogue import PAGE, RunCatalogue, RunFilter
from hydranet.convergence.score import Score
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.strategy import Strategy
from workers.postgres import open_postgres

_GOAL_MS = 200
_ROUNDS = 15
_DRAW = random.Random(7)
_WORDS = [f"{first}{last}" for first in ("in", "re", "un", "par", "de") for last in ("voice", "tax", "order", "ladder")]
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_QUERIES = {
    "the newest": RunFilter(),
    "by repository": RunFilter(repository="shop-3"),
    "by verdict": RunFilter(verdict="exhausted"),
    "of a week": RunFilter(since=_NOW - timedelta(days=7)),
    "two words": RunFilter(text="invoice retax"),
    "a rare word": RunFilter(text="module17"),
    "no run at all": RunFilter(text="nowhere"),
}


def make_runs(count: int) -> Iterator[tuple[Genealogy, datetime]]:
    """Yield runs, the oldest first, an hour apart."""
    for number in range(count):
        run_id = f"fix-shop-{number % 10}-{number:06d}"
        branches = tuple(_make_branch(run_id, place + 1) for place in range(12))
        run = Genealogy(
            run_id=run_id,
            repository_name=f"shop-{number % 10}",
            title=_write(8),
            branches=branches,
            verdict=_DRAW.choice(list(Verdict)),
            reason=_write(20),
            target_tests=tuple(f"tests/test_{word}.py::test_{word}" for word in _DRAW.sample(_WORDS, 3)),
        )
        yield run, _NOW - timedelta(hours=count - number)


def _make_branch(run_id: str, number: int) -> BranchRecord:
    title = _write(6)
    strategy = Strategy(title=title, kind="guard", target_files=(f"shop/module{_DRAW.randrange(500)}.py",))
    attempts = tuple(
        AttemptRecord(number=n + 1, outcome=Outcome.FAILED, summary=_write(12), score=Score(value=_DRAW.random()))
        for n in range(_DRAW.randrange(1, 9))
    )
    ending = _DRAW.choice([Ending.REAPED, Ending.SPENT])
    return BranchRecord(
        number=number, id=f"{run_id}/b{number:02d}", strategy=strategy, attempts=attempts, ending=ending
    )


def _write(words: int) -> str:
    return " ".join(_DRAW.choices(_WORDS, k=words))


async def fill(pool: AsyncConnectionPool, count: int) -> None:
    """Put the runs on record."""
    async with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        for run, began in make_runs(count):
            alone = run.model_copy(update={"branches": ()}).model_dump_json()
            await cursor.execute(
                "INSERT INTO runs (run_id, genealogy, started_at, issue) VALUES (%s, %s, %s, %s)",
                (run.run_id, alone, began, _write(300)),
            )
            await cursor.executemany(
                "INSERT INTO branches (run_id, number, branch) VALUES (%s, %s, %s)",
                [(run.run_id, branch.number, branch.model_dump_json()) for branch in run.branches],
            )


async def measure(catalogue: RunCatalogue, wanted: RunFilter) -> tuple[float, float, int]:
    """Return the median and the worst time of a page in ms, and how many runs fit."""
    times, runs = [], 0
    for _ in range(_ROUNDS):
        runs, after = 0, None
        while True:
            began = time.perf_counter()
            page = await catalogue.read_page(wanted, after)
            times.append((time.perf_counter() - began) * 1000)
            runs += len(page)
            if len(page) < PAGE:
                break
            after = page[-1]
    return statistics.median(times), max(times), runs


async def run(count: int) -> int:
    """Print the times, and return 1 where one is above the goal."""
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as name:
        folder = Path(name)
        with open_postgres(folder / "data", folder, folder / "log") as server:
            async with open_database(server.dsn) as pool:
                await fill(pool, count)
                async with pool.connection() as connection:
                    await connection.execute("ANALYZE")
                catalogue = RunCatalogue(pool)
                print(f"{count:,} runs, pages of {PAGE}")
                for what, wanted in _QUERIES.items():
                    median, longest, runs = await measure(catalogue, wanted)
                    worst = max(worst, longest)
                    print(f"{what:<16} {runs:>6,} runs   median {median:6.1f} ms   worst {longest:6.1f} ms")
    print(f"The goal of {_GOAL_MS} ms {'holds' if worst < _GOAL_MS else 'does not hold'}.")
    return int(worst >= _GOAL_MS)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(int(sys.argv[1]) if sys.argv[1:] else 1000)))
