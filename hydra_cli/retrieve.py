"""`hydra retrieve`: the code that an issue or a traceback is about, best first, each with the path that led to it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hydra_cli.repository import Repository
from hydra_cli.stored import open_stored
from hydra_cli.terminal import make_console
from hydranet import settings
from hydranet.contracts.search_mode import SearchMode
from hydranet.errors import UsageError
from hydranet.text.escaping import escape_controls

if TYPE_CHECKING:
    from activities.retrieval.search import Found

_LONGEST = 1_000_000
_MOST = 100


def retrieve(
    repo: Annotated[Path, typer.Option(help="The Git repository; HEAD is searched.")] = Path(),
    query: Annotated[str, typer.Option(help="What is searched for, such as an issue; - reads standard input.")] = "",
    traceback: Annotated[Path | None, typer.Option(help="A file with a traceback, or a test run's output.")] = None,
    count: Annotated[int, typer.Option("-k", min=1, max=_MOST, help="How many functions and files.")] = 10,
    mode: Annotated[SearchMode, typer.Option(help="What the search goes by.")] = SearchMode.GRAPH,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print commit, mode, files (rank, path, score, why) and functions (also symbol, kind, lines) as JSON.",
        ),
    ] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Only forget where earlier fixes were."),
    ] = False,
) -> None:
    """Find the code that an issue or a traceback is about."""
    repository = Repository.open(repo)
    if forget:
        typer.echo(f"Forgot {asyncio.run(_forget(repository))} places where earlier fixes were.")
        return
    said, trace = _said(query), _read(traceback) if traceback is not None else ""
    if not said.strip() and not trace.strip():
        raise UsageError("Nothing is searched for: give --query TEXT, --query - or --traceback FILE.")
    commit, found = asyncio.run(_found(repository, said, trace, mode))
    nothing = not found.ranked(1)
    if as_json:
        typer.echo(json.dumps(_document(repository, commit, mode, found, count), indent=1))
    elif nothing:
        typer.echo(f"Nothing at HEAD of {repository.path} is like what is searched for.")
    else:
        _print(found, count)
    if nothing:
        raise typer.Exit(1)


async def _found(repository: Repository, said: str, trace: str, mode: SearchMode) -> tuple[str, Found]:
    from activities.git.trees import resolve_revision
    from activities.retrieval.query import Query
    from activities.retrieval.search_cache import StoredSearches

    chosen = settings.load_settings(repository.path)
    commit = resolve_revision(repository.path, "HEAD")
    async with open_stored(chosen) as pool:
        searches = StoredSearches(pool, chosen)
        search = await searches.of(repository.path, commit, str(repository.path))
        return commit, await searches.find(search, Query(said, trace), str(repository.path), mode)


async def _forget(repository: Repository) -> int:
    from activities.retrieval.fix_history import Fixes

    async with open_stored(settings.load_settings(repository.path)) as pool:
        return await Fixes(pool).forget(str(repository.path))


def _said(query: str) -> str:
    return sys.stdin.read(_LONGEST) if query == "-" else query


def _read(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return file.read(_LONGEST)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a file with --traceback.") from None


def _document(repository: Repository, commit: str, mode: SearchMode, found: Found, count: int) -> dict[str, Any]:
    return {
        "repository": str(repository.path),
        "commit": commit,
        "mode": str(mode),
        "files": [
            {"rank": rank, "path": hit.path, "score": hit.score, "why": hit.why}
            for rank, hit in enumerate(found.ranked(count), 1)
        ],
        "functions": [
            {
                "rank": rank,
                "path": hit.node.path,
                "symbol": hit.node.name,
                "kind": str(hit.node.kind),
                "first_line": hit.node.first,
                "last_line": hit.node.last,
                "score": hit.score,
                "why": hit.why,
            }
            for rank, hit in enumerate(found.functions(count), 1)
        ],
    }


def _print(found: Found, count: int) -> None:
    lines = []
    for rank, hit in enumerate(found.functions(count), 1):
        node = hit.node
        lines.append(f"{rank:3}  {node.path}:{node.first}-{node.last}  {node.name}  {hit.score:.2f}")
        lines.append(f"     {hit.why}")
    files = ", ".join(hit.path for hit in found.ranked(count))
    text = "\n".join([*lines, f"\nFiles: {files}"])
    make_console().print(escape_controls(text), markup=False, highlight=False, soft_wrap=True)
