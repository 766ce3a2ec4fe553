"""`hydra localise`: the places where a bug may be fixed, by its issue and its failing tests, likeliest first."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hydra_cli.issue import IssueFileOption, IssueOption, IssueUrlOption, ProjectOption, TestOption, read_issue
from hydra_cli.repository import Repository, open_stack_database, use_test_script
from hydra_cli.terminal import make_console, print_plain, write_json, write_line
from hydranet import settings

if TYPE_CHECKING:
    from hydranet.contracts import Place
    from hydranet.settings import Settings


@dataclass(frozen=True)
class _Answer:
    commit: str
    failing: tuple[str, ...]
    places: tuple[Place, ...]


def localise(
    repo: ProjectOption = Path(),
    issue: IssueOption = "",
    issue_file: IssueFileOption = None,
    issue_url: IssueUrlOption = "",
    test: TestOption = None,
    count: Annotated[int, typer.Option("-k", min=1, max=100, help="The number of places.")] = 10,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print commit, failing tests and places (rank, path, symbol, lines, probability, why) as JSON.",
        ),
    ] = False,
) -> None:
    """Find the places where a bug may be fixed, by its issue and its failing tests.

    The tests run once at HEAD and once more with coverage, in the sandbox; nothing is changed. Of the places with a
    probability of 0.3 about three in ten are right. The exit code is 1 when nothing is found.
    """
    repository = Repository.open(repo)
    text = read_issue(issue, issue_file, issue_url).text
    flags = {"sandbox": {"test_command": test, "folder": repository.project or None}}
    chosen = settings.load_settings(repository.path / repository.project, flags, note=partial(write_line, error=True))
    chosen = chosen if test else use_test_script(repository, chosen)
    answer = asyncio.run(_localise(repository, text, chosen, count))
    if as_json:
        write_json(_make_document(repository, answer), indent=1)
    elif not answer.places:
        write_line(f"Nothing at HEAD of {repository.path} can be tied to the issue or to a failing test.")
    else:
        _print(answer)
    if not answer.places:
        raise typer.Exit(1)


async def _localise(repository: Repository, issue: str, chosen: Settings, count: int) -> _Answer:
    from activities.artifacts.store import put_model
    from activities.localisation.localiser import Localiser
    from activities.localisation.places import list_places
    from activities.retrieval.search_cache import StoredSearches
    from hydra_cli.bench.instance_tests import prepare
    from hydranet.contracts import TestResults

    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_stack_database(chosen))
        prepared = await stack.enter_async_context(prepare(repository.path, chosen))
        report = await prepared.run_tests()
        if not report.failing_count:
            write_line("No test fails: the places are those that the issue points at.", error=True)
        searches = StoredSearches(pool, chosen)
        report = await prepared.choose_target(repository.path, issue, report, searches)
        spectrum = None
        if report.results is not None and report.failing_count:
            spectrum = await prepared.measure_coverage(report.results)
        results = report.results or await put_model(prepared.artifacts, TestResults())
        work = await prepared.retrieve("localise", repository.path, issue, results, spectrum, searches)
        localisation = await Localiser(prepared.artifacts, prepared.objects).localise(work)
        return _Answer(prepared.snapshot.commit, report.failing, list_places(localisation, count))


def _make_document(repository: Repository, answer: _Answer) -> dict[str, Any]:
    return {
        "repository": str(repository.path),
        "commit": answer.commit,
        "failing": list(answer.failing),
        "places": [
            {
                "rank": rank,
                "path": place.file,
                "symbol": place.symbol,
                "first_line": place.first_line,
                "last_line": place.last_line,
                "probability": round(place.probability, 4),
                "why": place.why,
            }
            for rank, place in enumerate(answer.places, 1)
        ],
    }


def _print(answer: _Answer) -> None:
    lines = [
        f"{place.file}:{place.first_line} {place.symbol or '(module level)'}  {place.probability:.2f}  {place.why}"
        for place in answer.places
    ]
    rest = max(0.0, 1 - sum(place.probability for place in answer.places))
    print_plain(make_console(), "\n".join([*lines, f"\nSomewhere else: {rest:.2f}"]))
