"""Addresses of projects and issues on forges, as people copy them from a browser and as git has them."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

import httpx

from activities.inference.addresses import Origin, find_origin
from hydranet.errors import UsageError

# A record of a run holds the address in a line.
_URL_CHARACTERS = 300

_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "https://github.com/OWNER/NAME/issues/7"

_NAME = r"(?!\.{1,2}(?:/|$))[\w.~][\w.~-]*"
_NUMBER = r"(?P<number>\d{1,12})(?:/.*)?"
_ISSUE = re.compile(rf"(?P<project>{_NAME}/{_NAME})/issues/{_NUMBER}", re.ASCII)
_ISSUE_OF_GITLAB = re.compile(rf"(?P<project>{_NAME}(?:/{_NAME})+)/-/(?:issues|work_items)/{_NUMBER}", re.ASCII)
_PULL_REQUEST = re.compile(r".+/(?:pulls?|merge_requests)/\d+(?:/.*)?", re.ASCII)

_HTTP_REMOTE = re.compile(rf"(?P<server>https?://(?:[\w.~-]+@)?[^/@]+)/(?P<path>{_NAME}(?:/{_NAME})+)/?", re.ASCII)
_HOST = r"(?:\w[\w.-]*@)?(?P<host>\w[\w.-]*)"
_SSH_REMOTE = re.compile(
    rf"(?:ssh://{_HOST}(?::\d+)?/|{_HOST.replace('<host>', '<name>')}:/?)(?P<path>{_NAME}(?:/{_NAME})+)/?", re.ASCII
)


class ForgeKind(StrEnum):
    """The kind of software that a forge runs."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"
    GITEA = "Gitea or Forgejo"


HOMES = {"github.com": ForgeKind.GITHUB, "gitlab.com": ForgeKind.GITLAB, "codeberg.org": ForgeKind.GITEA}
"""The servers whose kind everybody knows."""


@dataclass(frozen=True)
class Project:
    """A project of a forge; `kind` is None where the address does not tell."""

    origin: Origin
    path: str
    kind: ForgeKind | None = None

    @property
    def server(self) -> str:
        """The server's name, with its port where it is an unusual one."""
        port = self.origin.port
        return self.origin.bracketed_host + (f":{port}" if port != _PORTS[self.origin.scheme] else "")

    @property
    def name(self) -> str:
        """The server and the project in it."""
        return f"{self.server}/{self.path}"

    def is_at(self, other: Project) -> bool:
        """Return whether both are the same project, by whichever protocol it is reached."""
        here, there = ((project.origin.host, project.path.casefold()) for project in (self, other))
        return here == there


@dataclass(frozen=True)
class IssueAddress:
    """The address of an issue."""

    project: Project
    number: int

    @property
    def url(self) -> str:
        """The address as a browser has it."""
        dash = "/-" if self.project.kind is ForgeKind.GITLAB else ""
        return f"{self.project.origin.scheme}://{self.project.name}{dash}/issues/{self.number}"


def read_issue_url(text: str) -> IssueAddress:
    """Return the issue at an address; UsageError for what is no such address, which is not repeated with a password."""
    url = _read_url(text.strip())
    path = url.path.strip("/")
    of_gitlab = _ISSUE_OF_GITLAB.fullmatch(path)
    match = of_gitlab or _ISSUE.fullmatch(path)
    if match is None and _PULL_REQUEST.fullmatch(path):
        raise UsageError(f"{url} is a pull request: name the issue that it is about, such as {_EXAMPLE}.")
    if match is None:
        raise UsageError(f"{url} is not the address of an issue: copy one such as {_EXAMPLE}.")
    origin = find_origin(url)
    origin = origin._replace(host=origin.host.removeprefix("www."))
    kind = HOMES.get(origin.host) or (ForgeKind.GITLAB if of_gitlab else None)
    project = Project(origin, match["project"], kind)
    check_transport(project)
    return IssueAddress(project, int(match["number"]))


def _read_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.userinfo or "@" in url.netloc.decode("ascii", "replace"):
        raise UsageError(
            "The address of an issue may hold no login: leave it out, and set a token in GITHUB_TOKEN, GITLAB_TOKEN or "
            "GITEA_TOKEN."
        )
    if url.scheme not in _PORTS or not url.host or len(text) > _URL_CHARACTERS:
        raise UsageError(f"--issue-url takes the address of an issue: copy one such as {_EXAMPLE}.")
    return url.copy_with(query=None, fragment=None)


def read_remote(url: str) -> Project | None:
    """Return the project of a git remote, None where the remote is none; UsageError for one with a password."""
    if re.match(r"https?://[^/]*:[^/]*@", url):
        raise UsageError(
            "A remote of the repository has a password in its address, which would stand in the list of processes: "
            "take it out with `git remote set-url NAME URL`, and have a credential helper keep it."
        )
    if match := _HTTP_REMOTE.fullmatch(url):
        try:
            origin = find_origin(match["server"])
        except (httpx.InvalidURL, ValueError):
            return None
    elif match := _SSH_REMOTE.fullmatch(url):
        origin = Origin("https", (match["host"] or match["name"]).lower(), _PORTS["https"])
    else:
        return None
    return Project(origin, match["path"].removesuffix(".git"), HOMES.get(origin.host))


def check_transport(project: Project) -> None:
    """Raise UsageError for a server that would be reached without TLS outside of networks of one's own."""
    if project.origin.scheme == "http" and not _is_private(project.origin):
        raise UsageError(
            f"{project.server} would be reached without TLS, which is for servers of your own network: write https://."
        )


def _is_private(origin: Origin) -> bool:
    if origin.is_local:
        return True
    try:
        addresses = {row[4][0] for row in socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{origin.host} cannot be reached ({reason}): check the address and the network, then try again."
        ) from None
    # A zone stands behind the address of a link.
    return all(ip_address(str(address).partition("%")[0]).is_private for address in addresses)
