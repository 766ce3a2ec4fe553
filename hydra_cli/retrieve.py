"""`hydra retrieve`: the code that an issue or a traceback is about, best first."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hydra_cli.repository import Repository, open_stack_database
from hydra_cli.terminal import make_console, print_plain, write_json, write_line
from hydranet import settings
from hydranet.contracts.retrieval import SearchMode
from hydranet.errors import UsageError

if TYPE_CHECKING:
    from activities.retrieval.search import Found

_CHARACTERS = 1_000_000
"""The most that is read of a query or a traceback."""


def retrieve(
    repo: Annotated[Path, typer.Option(help="The Git repository, whose HEAD is searched.")] = Path(),
    query: Annotated[str, typer.Option(help="The text to search by, such as an issue; - reads standard input.")] = "",
    traceback: Annotated[
        Path | None, typer.Option(help="A file with a traceback or with the output of a test run.")
    ] = None,
    count: Annotated[int, typer.Option("-k", min=1, max=100, help="The number of functions and of files.")] = 10,
    mode: Annotated[SearchMode, typer.Option(help="The way of searching.")] = SearchMode.GRAPH,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print commit, mode, files (rank, path, score, why) and functions (also symbol, kind, lines) as JSON.",
        ),
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Search for nothing; forget the places of earlier fixes.")
    ] = False,
) -> None:
    """Find the code that an issue or a traceback is about.

    HEAD is indexed first if it has changed. The exit code is 1 when nothing is found.
    """
    repository = Repository.open(repo)
    if forget:
        write_line(f"Forgot {asyncio.run(_forget_fixes(repository))} places of earlier fixes.")
        return
    text = sys.stdin.read(_CHARACTERS) if query == "-" else query
    trace = _read_traceback(traceback) if traceback is not None else ""
    if not text.strip() and not trace.strip():
        raise UsageError("There is nothing to search by: give --query TEXT, --query - or --traceback FILE.")
    commit, results = asyncio.run(_search(repository, text, trace, mode))
    nothing = not results.ranked(1)
    if as_json:
        write_json(_document(repository, commit, mode, results, count), indent=1)
    elif nothing:
        write_line(f"Nothing at HEAD of {repository.path} resembles the query.")
    else:
        _print(results, count)
    if nothing:
        raise typer.Exit(1)


async def _search(repository: Repository, text: str, trace: str, mode: SearchMode) -> tuple[str, Found]:
    from activities.git.user_repository import UserRepository
    from activities.retrieval.query import Query
    from activities.retrieval.search_cache import StoredSearches

    chosen = settings.load_settings(repository.path)
    opened = UserRepository.find(repository.path)
    commit = opened.resolve_head()
    async with open_stack_database(chosen) as pool:
        searches = StoredSearches(pool, chosen)
        with opened.open() as folder:
            search = await searches.of(folder, commit, str(repository.path))
        return commit, await searches.find(search, Query(text, trace), str(repository.path), mode)


async def _forget_fixes(repository: Repository) -> int:
    from activities.retrieval.fix_history import Fixes

    async with open_stack_database(settings.load_settings(repository.path)) as pool:
        return await Fixes(pool).forget(str(repository.path))


def _read_traceback(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return file.read(_CHARACTERS)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a file with --traceback.") from None


def _document(repository: Repository, commit: str, mode: SearchMode, results: Found, count: int) -> dict[str, Any]:
    return {
        "repository": str(repository.path),
        "commit": commit,
        "mode": str(mode),
        "files": [
            {"rank": rank, "path": hit.path, "score": hit.score, "why": hit.why}
            for rank, hit in enumerate(results.ranked(count), 1)
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
            for rank, hit in enumerate(results.functions(count), 1)
        ],
    }


def _print(results: Found, count: int) -> None:
    lines = []
    for rank, hit in enumerate(results.functions(count), 1):
        node = hit.node
        lines.append(f"{rank:3}  {node.path}:{node.first}-{node.last}  {node.name}  {hit.score:.2f}")
        lines.append(f"     {hit.why}")
    files = ", ".join(hit.path for hit in results.ranked(count))
    print_plain(make_console(), "\n".join([*lines, f"\nFiles: {files}"]))
