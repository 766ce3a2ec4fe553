"""`hydra fix`: start a run, or follow the one that is open, to its verdict."""

import asyncio
from dataclasses import replace
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from hydra_cli.conclusion import EXIT_CODES, print_conclusion
from hydra_cli.issue import (
    ExpectOption,
    IssueFileOption,
    IssueOption,
    IssueUrlOption,
    NoRaiseOption,
    ProjectOption,
    RaisesOption,
    ScriptOption,
    TargetOption,
    TestOption,
    read_expectations,
    read_issue,
    read_target,
)
from hydra_cli.repository import Repository, use_test_script
from hydra_cli.session import Session, attach_session
from hydra_cli.start import Start, check_machine, list_recorded, start_run
from hydra_cli.terminal import is_interactive, write_json_text, write_line
from hydranet import settings
from hydranet.contracts import FixRequest, RunResult
from hydranet.errors import UsageError
from hydranet.settings import Settings
from hydranet.text.escaping import format_command


def fix(
    repo: ProjectOption = Path(),
    issue: IssueOption = "",
    issue_file: IssueFileOption = None,
    issue_url: IssueUrlOption = "",
    test: TestOption = None,
    target: TargetOption = None,
    expect: ExpectOption = None,
    raises: RaisesOption = None,
    no_raise: NoRaiseOption = None,
    script: ScriptOption = None,
    model: Annotated[
        str | None,
        typer.Option(help="What fixes the bug: auto, templates, ollama:NAME, openai:URL#NAME or scripted:FILE."),
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(help="The number of branches that are pursued at the same time.")
    ] = None,
    budget_attempts: Annotated[int | None, typer.Option(help="The most attempts per branch.")] = None,
    budget_branches: Annotated[int | None, typer.Option(help="The most branches of the run.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="The most tokens of the run's models.")] = None,
    budget_seconds: Annotated[float | None, typer.Option(help="The time of the run, in seconds.")] = None,
    require_approval: Annotated[
        bool | None, typer.Option("--require-approval", help="Wait for `hydra approve` before the fix is published.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Fast-forward the checked-out branch to the fix, once it is approved.")
    ] = False,
    pull_request: Annotated[
        bool,
        typer.Option("--pull-request", help="Push the fix, once it is approved, and open a pull request for it."),
    ] = False,
    ask: Annotated[
        bool | None,
        typer.Option(
            "--ask/--no-ask",
            help="Wait for an answer where the tests do not tell two fixes apart; by default in a terminal.",
        ),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start the run and return at once.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result and the run's record as JSON.")] = False,
) -> None:
    """Fix a bug; the same command again follows a run that is still open.

    Exit codes: 0 fixed, 1 not fixed, 2 wrong input or set-up, 3 aborted, 4 ambiguous.
    """
    if detach and pull_request:
        raise UsageError("--pull-request is done at the end: leave out --detach, or run `hydra pull-request` later.")
    repository = Repository.open(repo)
    expectations = read_expectations(expect, raises, no_raise, script)
    tests = read_target(target)
    if tests and expectations:
        raise UsageError("--target names tests that fail, an expectation becomes a new one: give either.")
    given = read_issue(issue, issue_file, issue_url)
    start = Start(repository, given.text, apply, tests, expectations, given.url)
    flags: dict[str, Any] = {
        "model": model,
        "parallel_branches": parallel,
        "require_approval": require_approval,
        "sandbox": {"test_command": test, "folder": repository.project or None},
        "budget": {
            "attempts_per_branch": budget_attempts,
            "branches": budget_branches,
            "tokens": budget_tokens,
            "seconds": budget_seconds,
        },
    }
    chosen = settings.load_settings(repository.path / repository.project, flags, note=partial(write_line, error=True))
    chosen = chosen if test else use_test_script(repository, chosen)
    start = replace(start, asks=ask if ask is not None else not (detach or json) and is_interactive())
    asyncio.run(_fix(start, chosen, pull_request=pull_request, detach=detach, json=json))


async def _fix(start: Start, chosen: Settings, *, pull_request: bool, detach: bool, json: bool) -> None:
    start.repository.check_publishable(start.slug)
    if pull_request:
        from hydra_cli.pull_request import find_destination

        destination = await find_destination(start.repository, start.issue_url)
        start = replace(start, destination=destination.project.name)
    start.ask_constitution()
    await check_machine(chosen)
    async with attach_session(chosen, to_work=True) as session:
        request = await start.build_request(session, chosen, partial(write_line, error=True))
        recorded = await list_recorded(session, start.identity)
        run_id, attached = await start_run(session, request, start.identity, chosen.sandbox.env, recorded)
        if not json:
            _announce(session, start, request, run_id, attached)
        if detach:
            return
        # Imported here, since a run that is left alone needs none of it, and a hundred of them start one by one.
        from hydra_cli.follow import follow

        try:
            result = await follow(session, run_id, quiet=json)
        except asyncio.CancelledError:
            _announce_detached(start, run_id)
            raise typer.Exit(130) from None
        await _finish(session, start, run_id, result, json=json)
        raise typer.Exit(2 if result.refused else EXIT_CODES[result.verdict])


async def _finish(session: Session, start: Start, run_id: str, result: RunResult, *, json: bool) -> None:
    """Open the pull request, if there is to be one, and print how the run ended, which no failure of that hides."""
    if not json:
        print_conclusion(session, str(start.repository.path), await session.genealogy(run_id), result)
    address, failure = "", None
    if start.destination and result.verdict.has_fix:
        from hydra_cli.pull_request import open_approved

        try:
            address = await open_approved(session, start.repository, run_id, result)
        except UsageError as error:
            failure = error
    if json:
        parts = {"result": result, "genealogy": await session.genealogy(run_id)}
        texts = [f'"{name}": {part.model_dump_json()}' for name, part in parts.items()]
        texts += [f'"pull_request": {dumps(address)}'] if start.destination else []
        write_json_text(f"{{{', '.join(texts)}}}")
    elif address:
        write_line(f"The pull request: {address}")
    if failure is not None:
        raise failure


def _announce(session: Session, start: Start, request: FixRequest, run_id: str, attached: bool) -> None:
    write_line(f"Run      {run_id}{' (open already: this command follows it)' if attached else ''}")
    if page := session.stack.workflow_url(run_id):
        write_line(f"Web UI   {page}")
    if not attached:
        write_line(f"Model    {request.model}")
    if start.issue_url:
        write_line(f"Issue    {start.issue_url}")
    if start.destination:
        write_line(f"Request  A pull request in {start.destination}, once there is a fix and the constitution agrees")
    if project := start.repository.project:
        write_line(f"Project  {project}: its tests, settings and set-up; the code of the whole repository")
    elif start.repository.named:
        write_line(f"Note     {start.repository.named} is no project of its own: the whole repository is taken.")
    if start.repository.dirty:
        write_line("Note     Uncommitted changes stay as they are: the fix is made against HEAD.")


def _announce_detached(start: Start, run_id: str) -> None:
    follow_up = [
        ("follow it", f"the same command, or {format_command('hydra', 'show', run_id)}"),
        ("end it", format_command("hydra", "abort", run_id)),
    ]
    if start.destination:
        follow_up.append(("then", format_command("hydra", "pull-request", run_id)))
    lines = (f"  {label:<14} {command}" for label, command in follow_up)
    write_line("\n".join(["\nDetached: the run goes on in the background.", *lines]), error=True)
