"""Pull requests: the project that a repository's remote names, and the one request for a branch there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from shlex import quote

from activities.forges.addresses import IssueAddress, Project, check_transport, read_remote
from activities.forges.forge import Tell, find_kind, open_forge
from activities.forges.server import ForgeRefusalError
from activities.forges.tokens import advise, find_token
from activities.git.user_repository import UserRepository
from hydranet.errors import UsageError

_EXISTS = (409, 422)


@dataclass(frozen=True)
class Destination:
    """The project in which a pull request is opened, the address that git pushes to, and the branch to merge into."""

    project: Project
    remote: str
    base: str


async def find_destination(
    repository: UserRepository, issue: IssueAddress | None, commit: str, tell: Tell
) -> Destination:
    """Return where a fix that is made on a commit goes: the issue's own project if a remote names it.

    UsageError where there is no such project, or where it lacks the commit.
    """
    remote, project = _choose_remote(repository, issue)
    check_transport(project)
    kind = await find_kind(project, tell)
    project = replace(project, kind=kind)
    if find_token(project, kind) is None:
        advice = advise(project, kind, f"open pull requests in {project.path}")
        raise UsageError(f"A pull request in {project.name} needs a token: {advice}.")
    async with open_forge(project, tell) as forge:
        base = await forge.read_default_branch()
        if not base or not await forge.has_commit(commit):
            raise UsageError(
                f"{project.name} lacks the commit {commit[:12]} that the fix is made on: push your branch first, so "
                "that the pull request holds nothing but the fix."
            )
        if repository.branch and repository.branch != base and await forge.has_branch(repository.branch):
            base = repository.branch
    return Destination(project, remote, base)


async def open_pull_request(destination: Destination, title: str, body: str, branch: str, tell: Tell) -> str:
    """Return the address of the open pull request of a branch, which is opened where there is none."""
    async with open_forge(destination.project, tell) as forge:
        if address := await forge.find_pull_request(branch):
            return address
        try:
            return await forge.open_pull_request(title, body, branch, destination.base)
        except ForgeRefusalError as error:
            # Another command may have opened it meanwhile.
            if error.status in _EXISTS and (address := await forge.find_pull_request(branch)):
                return address
            raise


def refer_to(issue: IssueAddress, project: Project) -> str:
    """Return how a pull request in a project refers to an issue, which it closes if it is of the same project."""
    return f"Fixes #{issue.number}" if issue.project.is_at(project) else f"For {issue.url}"


def _choose_remote(repository: UserRepository, issue: IssueAddress | None) -> tuple[str, Project]:
    remotes = repository.remotes
    if issue is not None:
        for address in remotes.values():
            project = read_remote(address)
            if project is not None and project.is_at(issue.project):
                # Where git goes by SSH, only the issue's address tells the port of the web pages.
                return address, issue.project
    at = f"git -C {quote(str(repository.folder))}"
    if not remotes:
        raise UsageError(
            f"{repository.folder} has no remote to open a pull request at: run `{at} remote add origin URL`, or leave "
            "out --pull-request."
        )
    if not (name := repository.default_remote):
        raise UsageError(
            f"{repository.folder} has several remotes ({', '.join(remotes)[:200]}): say which one gets pull requests "
            f"with `{at} config remote.pushDefault NAME`."
        )
    if (project := read_remote(remotes[name])) is None:
        raise UsageError(
            f"The remote {name} ({remotes[name][:200]}) is no project of a forge: name one with "
            f"`{at} config remote.pushDefault NAME`, or leave out --pull-request."
        )
    return remotes[name], project
