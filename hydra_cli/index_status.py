"""`hydra index-status`: what the index of a repository holds, how old it is, and what of HEAD it does not hold."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from activities.artifacts.database import open_database
from hydra_cli.index import follow_indexing
from hydra_cli.repository import Repository
from hydra_cli.session import attach_session
from hydra_cli.stored import explain_not_indexed
from hydra_cli.terminal import make_console
from hydranet import settings
from hydranet.contracts import VECTORS
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.status import Status

_NAMED = 10


def index_status(repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path()) -> None:
    """Show what the index of a repository covers, and what is stale."""
    repository = Repository.open(repo)
    found, waiting = asyncio.run(_status(repository))
    if found is None:
        raise UsageError(explain_not_indexed(repository))
    _tell(repository, found, waiting)


async def _status(repository: Repository) -> tuple[Status | None, str]:
    """The index's status, and what its vectors wait for."""
    from activities.retrieval.status import read_status
    from activities.retrieval.store import GraphStore

    chosen = settings.load_settings(repository.path)
    async with attach_session(chosen) as session, open_database(session.stack.database) as pool:
        waiting: list[str] = []
        with suppress(UsageError):
            waiting = await session.list_parked(f"{follow_indexing(repository)}{VECTORS}")
        return await read_status(GraphStore(pool), repository.path, chosen.embedding_model), "".join(waiting[:1])


def _tell(repository: Repository, found: Status, waiting: str) -> None:
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
    typer.echo(f"Database  {found.size / 1e6:.1f} MB for the graphs of all repositories (trees: {found.trees})")
    kinds = (f"{found.vectors.get(model, 0)} by {model}, {count} missing" for model, count in found.missing.items())
    typer.echo("Vectors   " + "; ".join(sorted(kinds)) + (f" (waiting: {waiting})" if waiting else ""))
    if edges:
        make_console().print(_table(found))


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
