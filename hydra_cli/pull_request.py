"""`hydra pull-request`, and what `hydra fix --pull-request` does at its end: push a fix, and ask to merge it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from temporalio.client import WorkflowExecutionStatus

from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.contracts import RunResult
from hydranet.errors import FatalError, UsageError
from hydranet.genealogy import Genealogy
from hydranet.policy import constitution
from hydranet.policy.constitution import Decision, Effect
from hydranet.report.postmortem import build_postmortem
from hydranet.report.pull_request import write_body, write_title
from hydranet.settings import read_own_rules
from hydranet.text.escaping import format_command

if TYPE_CHECKING:
    from activities.forges.pull_requests import Destination

OPERATION = "open_pull_request"

_tell = partial(write_line, error=True)


def pull_request(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    repo: Annotated[Path, typer.Option(help="The Git repository that has the fix.")] = Path(),
) -> None:
    """Open a pull request for the fix of a run, or show the one that is open."""
    repository = Repository.open(repo)
    write_line(asyncio.run(_open_for_run(repository, run)))


async def _open_for_run(repository: Repository, part: str) -> str:
    async with attach_session(settings.load_settings()) as session:
        run_id = await session.find_run(part)
        status = (await session.describe(run_id)).status
        if status is WorkflowExecutionStatus.RUNNING:
            raise UsageError(f"The run {run_id} has not ended: wait for its verdict.")
        genealogy = await session.genealogy(run_id)
        has_fix = genealogy.verdict is not None and genealogy.verdict.has_fix
        if status is not WorkflowExecutionStatus.COMPLETED or not has_fix:
            raise UsageError(f"The run {run_id} has no fix: see `{format_command('hydra', 'show', run_id)}`.")
        result = await session.run_handle(run_id).result()
        destination = await find_destination(repository, genealogy.issue_url, genealogy.base)
        # Whoever asks for this one fix has seen it, or could have: no rule has them asked again.
        ask_constitution(destination.project.name)
        return await _open(session, repository, genealogy, result, destination)


async def open_approved(session: Session, repository: Repository, run_id: str, result: RunResult) -> str:
    """Open the pull request that a run was started with, and return its address.

    UsageError with why it is not open, and how it still can be.
    """
    try:
        genealogy = await session.genealogy(run_id)
        destination = await find_destination(repository, genealogy.issue_url, genealogy.base)
        ask_constitution(destination.project.name)
        if not is_approved(genealogy, destination.project.name):
            raise UsageError(f"Nobody has approved one of this run in {destination.project.name}.")
        return await _open(session, repository, genealogy, result, destination)
    except (UsageError, FatalError) as error:
        again = format_command("hydra", "pull-request", run_id, "--repo", str(repository.path))
        raise UsageError(f"No pull request was opened. {error} Then run `{again}`.") from None


async def find_destination(repository: Repository, issue_url: str, commit: str = "") -> Destination:
    """Return where a pull request of a repository goes, whose fix is made on a commit; by default HEAD."""
    # Imported here, for the commands that ask no server.
    from activities.forges import pull_requests
    from activities.forges.addresses import read_issue_url
    from activities.git.user_repository import UserRepository

    opened = UserRepository.find(repository.path)
    issue = read_issue_url(issue_url) if issue_url else None
    return await pull_requests.find_destination(opened, issue, commit or opened.resolve_head(), _tell)


def ask_constitution(project: str) -> Decision:
    """Return what the constitution says of a pull request in a project; UsageError where it refuses."""
    decision = constitution.load_rules(read_own_rules()).decide(OPERATION, project)
    if decision.effect is Effect.REFUSED:
        raise UsageError(f"The constitution lets no run open a pull request: {decision.describe()}")
    return decision


def is_approved(genealogy: Genealogy, project: str) -> bool:
    """Return whether the constitution, or a person, has allowed the pull request of a run in a project."""
    decisions = [each for each in genealogy.decisions if (each.operation, each.subject) == (OPERATION, project)]
    # The last is that of a person, where one was asked.
    return bool(decisions) and decisions[-1].effect is Effect.ALLOWED


async def _open(
    session: Session, repository: Repository, genealogy: Genealogy, result: RunResult, destination: Destination
) -> str:
    from activities.forges.addresses import read_issue_url
    from activities.forges.pull_requests import open_pull_request, refer_to
    from activities.git.push import push_commit
    from activities.git.user_repository import UserRepository

    branch = result.published
    opened = UserRepository.find(repository.path)
    await asyncio.to_thread(push_commit, opened, destination.remote, result.commit, branch)
    story = build_postmortem(genealogy, (await session.describe(genealogy.run_id)).start_time)
    url = genealogy.issue_url
    body = write_body(story, refer_to(read_issue_url(url), destination.project) if url else "")
    return await open_pull_request(destination, write_title(genealogy), body, branch, _tell)
