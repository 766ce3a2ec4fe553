"""`hydra fix`: start a run, or attach to the one that is there, and follow it to its verdict."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hydra_cli.follow import follow
from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, start_run
from hydranet import settings
from hydranet.contracts import FixRequest, RunResult
from hydranet.errors import UsageError
from hydranet.genealogy import Verdict
from hydranet.settings import Settings

EXIT_CODES = {Verdict.FIXED: 0, Verdict.EXHAUSTED: 1, Verdict.FAILED: 1, Verdict.ABORTED: 3}
_ISSUE_LIMIT = 20_000


def fix(
    repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path(),
    issue: Annotated[str, typer.Option(help="What is wrong, in words.")] = "",
    issue_file: Annotated[Path | None, typer.Option(help="A file that says what is wrong.")] = None,
    test: Annotated[str | None, typer.Option(help="The test command; default `python -m pytest -q`.")] = None,
    model: Annotated[
        str | None, typer.Option(help="auto, templates, ollama:NAME, openai:URL#NAME or scripted:FILE.")
    ] = None,
    parallel: Annotated[int | None, typer.Option(help="How many branches race.")] = None,
    budget_attempts: Annotated[int | None, typer.Option(help="Attempts per branch.")] = None,
    budget_branches: Annotated[int | None, typer.Option(help="Branches per run.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Model tokens per run.")] = None,
    budget_seconds: Annotated[float | None, typer.Option(help="Seconds per run.")] = None,
    require_approval: Annotated[
        bool | None, typer.Option("--require-approval", help="Wait for `hydra approve` before publishing.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Fast-forward the checked-out branch to the fix.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start the run and return.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fix a bug; the same command again follows a run that is still open."""
    repository = Repository.open(repo)
    text = _issue(issue, issue_file)
    flags: dict[str, Any] = {
        "model": model,
        "parallel_branches": parallel,
        "require_approval": require_approval,
        "sandbox": {"test_command": test},
        "budget": {
            "attempts_per_branch": budget_attempts,
            "branches": budget_branches,
            "tokens": budget_tokens,
            "seconds": budget_seconds,
        },
    }
    chosen = settings.load_settings(repository.path, flags)
    asyncio.run(_fix(Start(repository, text, apply), chosen, detach=detach, json=json))


async def _fix(wanted: Start, chosen: Settings, *, detach: bool, json: bool) -> None:
    request = await wanted.build_request(chosen)
    async with attach_session(chosen) as session:
        run_id, attached = await start_run(session, request, wanted.identity)
        _announce(session, wanted, request, run_id, attached, quiet=json)
        if detach:
            return
        try:
            result = await follow(session, run_id, quiet=json)
        except asyncio.CancelledError:
            sys.stderr.write(
                f"\nDetached: the run goes on in the background.\n"
                f"  attach again   the same command, or hydra show {run_id}\n"
                f"  end it         hydra abort {run_id}\n"
            )
            raise typer.Exit(130) from None
        if json:
            genealogy = await session.genealogy(run_id)
            typer.echo(f'{{"result": {result.model_dump_json()}, "genealogy": {genealogy.model_dump_json()}}}')
        else:
            _conclude(session, wanted, run_id, result)
        raise typer.Exit(2 if result.refused else EXIT_CODES[result.verdict])


def _issue(text: str, file: Path | None) -> str:
    if bool(text) == bool(file):
        raise UsageError("Say what is wrong with either --issue TEXT or --issue-file FILE.")
    if file is not None:
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The issue file {file} cannot be read ({error}): name a UTF-8 text file.") from None
    if not text.strip():
        raise UsageError("The issue is empty: say what is wrong.")
    if len(text) > _ISSUE_LIMIT:
        raise UsageError(f"The issue has {len(text)} characters; keep it below {_ISSUE_LIMIT}.")
    return text.strip()


def _announce(
    session: Session, wanted: Start, request: FixRequest, run_id: str, attached: bool, *, quiet: bool
) -> None:
    if quiet:
        return
    typer.echo(f"Run      {run_id}{' (attached: it was there already)' if attached else ''}")
    typer.echo(f"Web UI   {session.stack.workflow_url(run_id)}")
    if not attached:
        typer.echo(f"Model    {request.model}")
    if wanted.repository.dirty:
        typer.echo("Note     uncommitted changes stay as they are: the fix is made against HEAD.")


def _conclude(session: Session, wanted: Start, run_id: str, result: RunResult) -> None:
    if result.verdict is Verdict.FIXED:
        typer.echo(f"\nThe fix is on branch {result.published}. Look at it, then merge it:")
        typer.echo(f"  git -C {wanted.repository.path} diff HEAD...{result.published}")
        typer.echo(f"  git -C {wanted.repository.path} merge {result.published}")
        if result.note:
            typer.echo(result.note)
    typer.echo(f"Every approach tried: hydra show {run_id}")
    typer.echo(f"Its page, while the stack is up (hydra up): {session.stack.workflow_url(run_id)}")
    if result.refused:
        raise UsageError(result.reason)
