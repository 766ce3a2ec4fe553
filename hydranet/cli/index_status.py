"""`hydra index-status`: what the index of a repository holds, how old it is, and what of HEAD it does not hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hydranet.cli.repository import Repository
from hydranet.cli.stored import graph_store, not_indexed
from hydranet.cli.terminal import console
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.status import Status

_NAMED = 10


def index_status(repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path()) -> None:
    """Tell how much of a repository is indexed, which files are stale, how old the index is and how large."""
    repository = Repository.open(repo)
    found = asyncio.run(_status(repository))
    if found is None:
        raise UsageError(not_indexed(repository))
    _tell(repository, found)


async def _status(repository: Repository) -> Status | None:
    from activities.retrieval.status import status

    async with graph_store(repository) as store:
        return await status(store, repository.path)


def _tell(repository: Repository, found: Status) -> None:
    head, wanted = found.head, found.files + len(found.added) - len(found.gone)
    fresh = found.files - len(found.changed) - len(found.gone)
    typer.echo(f"Indexed   {repository.path} at {head.commit[:12]}, {_age(head.indexed_at)} ago")
    typer.echo(f"Coverage  {fresh} of the {wanted} files of HEAD ({fresh / wanted if wanted else 1:.1%})")
    if head.skipped:
        typer.echo("Skipped   " + ", ".join(f"{count} {reason}" for reason, count in head.skipped.items()))
    if stale := found.stale:
        more = f" and {len(stale) - _NAMED} more" if len(stale) > _NAMED else ""
        typer.echo(f"Stale     {len(stale)} files: {', '.join(stale[:_NAMED])}{more}; run `hydra index`")
    else:
        typer.echo("Stale     none")
    edges = sum(found.edges.values())
    typer.echo(f"Size      {found.files} files, {found.nodes} nodes, {edges} edges")
    typer.echo(f"Database  {found.size / 1e6:.1f} MB for the graphs of {found.trees} trees of all repositories")
    made = ", ".join(f"{count} by {model}" for model, count in sorted(found.vectors.items())) or "none yet"
    typer.echo(f"Vectors   {made}")
    if edges:
        console().print(_table(found))


def _table(found: Status) -> Table:
    """Edges by kind, and by what they were resolved."""
    resolutions = sorted({resolution for _, resolution in found.edges})
    table = Table("edges", *resolutions, "all", box=None)
    for kind in sorted({kind for kind, _ in found.edges}):
        counts = [found.edges.get((kind, resolution), 0) for resolution in resolutions]
        table.add_row(kind, *(str(count) if count else "" for count in counts), str(sum(counts)))
    return table


def _age(moment: datetime) -> str:
    age = datetime.now(UTC) - moment
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if age >= 2 * length:
            return f"{age // length} {unit}"
    return f"{age.seconds} seconds"
