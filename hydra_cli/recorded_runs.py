"""The runs on record, which `hydra runs` lists and searches: those that Temporal has forgotten too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activities.artifacts.database import open_database
from activities.history.catalogue import RunCatalogue, RunFilter, RunSummary
from hydra_cli.repository import Repository
from hydranet.errors import UsageError
from hydranet.genealogy import Verdict
from hydranet.text.formatting import format_start
from hydranet.text.truncation import keep_start

HEADINGS = ["run", "verdict", "branches", "reaped", "convergence", "started", "repository", "title"]
RUNNING = "running"
VERDICTS = (*map(str, Verdict), RUNNING)

_TITLE, _STARTED = 60, HEADINGS.index("started")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
# What ended in another way than by a verdict: terminated, or lost with a server's database.
_UNFINISHED = "unfinished"


def make_filter(repo: str, since: str, verdict: str, text: str) -> RunFilter:
    """Return what the options of a command ask for; UsageError where one is none."""
    if verdict and verdict not in VERDICTS:
        raise UsageError(f"'{verdict}' is no verdict: name {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}.")
    if text and not any(char.isalnum() for char in text):
        raise UsageError(f"'{text}' has no word to search for: name one with --text.")
    return RunFilter(_find_repository(repo), _read_time(since), verdict, text)


async def list_rows(database: str, wanted: RunFilter, runs: Mapping[str, list[str]]) -> list[list[str]]:
    """Return a row of cells per run that fits, the newest first; `runs` are rows of those that Temporal knows."""
    async with open_database(database) as pool:
        summaries = [summary async for summary in RunCatalogue(pool).list_all(wanted)]
    known = {summary.run_id for summary in summaries}
    rows = [_make_row(summary, runs) for summary in summaries]
    fresh = [] if wanted.text or wanted.verdict not in ("", RUNNING) else _list_fresh(runs, known, wanted)
    listed = [*fresh, *(row for row in rows if wanted.verdict != RUNNING or row[1] == RUNNING)]
    return sorted(listed, key=lambda row: row[_STARTED], reverse=True)


def _list_fresh(runs: Mapping[str, list[str]], known: set[str], wanted: RunFilter) -> list[list[str]]:
    # Which repository the others are of is on record once their tests have run.
    if wanted.repository:
        return []
    return [[*row, "", ""] for run_id, row in runs.items() if run_id not in known]


def _make_row(summary: RunSummary, runs: Mapping[str, list[str]]) -> list[str]:
    if (row := runs.get(summary.run_id)) and not summary.verdict:
        figures = row[1:5]
    else:
        counts = (str(summary.branches), str(summary.reaps), f"{summary.highest_convergence:.2f}")
        figures = [summary.verdict or _UNFINISHED, *counts]
    title = keep_start(" ".join(summary.title.split()), _TITLE)
    return [summary.run_id, *figures, format_start(summary.started), summary.repository, title]


def _find_repository(repo: str) -> str:
    # What looks like a path is one; runs know their repository by its name.
    return Repository.open(Path(repo)).name if "/" in repo or repo in (".", "..") else repo


def _read_time(since: str) -> datetime | None:
    if not since:
        return None
    if span := re.fullmatch(r"([0-9]{1,4})([hdw])", since):
        return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        return datetime.fromisoformat(since).astimezone()
    except ValueError:
        raise UsageError(
            f"'{since}' is no time: write a date such as 2026-01-31, or how long ago, such as 24h, 7d or 2w."
        ) from None
