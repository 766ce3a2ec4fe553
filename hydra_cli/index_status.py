"""`hydra index-status`: what the index of a repository covers, how old it is, and what is stale."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from activities.artifacts.database import open_database
from hydra_cli.index import format_indexing_id
from hydra_cli.repository import Repository, explain_not_indexed
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console, write_line
from hydranet import settings
from hydranet.contracts import VECTORS
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.status import Status

_NAMED = 10
"""The number of stale files that are named."""


def index_status(repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path()) -> None:
    """Show what the index of a repository covers, and what is stale."""
    repository = Repository.open(repo)
    status, waiting = asyncio.run(_read_status(repository))
    if status is None:
        raise UsageError(explain_not_indexed(repository))
    _print_status(repository, status, waiting)


async def _read_status(repository: Repository) -> tuple[Status | None, str]:
    from activities.retrieval.status import read_status
    from activities.retrieval.store import GraphStore

    chosen = settings.load_settings(repository.path)
    async with attach_session(chosen) as session, open_database(session.stack.database) as pool:
        waiting: list[str] = []
        with suppress(UsageError):
            waiting = await session.list_parked(f"{format_indexing_id(session, repository)}{VECTORS}")
        return await read_status(GraphStore(pool), repository.path, chosen.embedding_model), "".join(waiting[:1])


def _print_status(repository: Repository, status: Status, waiting: str) -> None:
    head, total = status.head, status.files + len(status.added) - len(status.gone)
    fresh = status.files - len(status.changed) - len(status.gone)
    write_line(f"Indexed   {repository.path} at {head.commit[:12]}, {_format_age(head.indexed_at)} ago")
    write_line(f"Coverage  {fresh} of the {total} files of HEAD ({fresh / total if total else 1:.1%})")
    if head.skipped:
        write_line("Skipped   " + ", ".join(f"{count} {reason}" for reason, count in head.skipped.items()))
    if stale := status.stale:
        more = f" and {len(stale) - _NAMED} more" if len(stale) > _NAMED else ""
        write_line(f"Stale     {len(stale)} files: {', '.join(stale[:_NAMED])}{more}; run `hydra index`")
    else:
        write_line("Stale     none")
    edges = sum(status.edges.values())
    write_line(f"Size      {status.files} files, {status.nodes} nodes, {edges} edges")
    write_line(f"Database  {status.size / 1e6:.1f} MB for the graphs of all repositories (trees: {status.trees})")
    counts = (f"{status.vectors.get(model, 0)} by {model}, {count} missing" for model, count in status.missing.items())
    write_line("Vectors   " + "; ".join(sorted(counts)) + (f" (waiting: {waiting})" if waiting else ""))
    if edges:
        make_console().print(_tabulate_edges(status))


def _tabulate_edges(status: Status) -> Table:
    resolutions = sorted({resolution for _, resolution in status.edges})
    table = Table("edges", *resolutions, "all", box=None)
    for kind in sorted({kind for kind, _ in status.edges}):
        counts = [status.edges.get((kind, resolution), 0) for resolution in resolutions]
        table.add_row(kind, *(str(count) if count else "" for count in counts), str(sum(counts)))
    return table


def _format_age(moment: datetime) -> str:
    age = datetime.now(UTC) - moment
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if age >= 2 * length:
            return f"{age // length} {unit}"
    return f"{age.seconds} seconds"
