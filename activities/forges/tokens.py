"""Tokens of forges in the environment, each for its own server alone."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from activities.forges.addresses import HOMES, ForgeKind, Project
from hydranet.errors import UsageError


class _Variables(NamedTuple):
    """The variables that hold a token, and those that name another server than the home for which it is."""

    tokens: tuple[str, ...]
    servers: tuple[str, ...]


_VARIABLES = {
    ForgeKind.GITHUB: _Variables(("GITHUB_TOKEN", "GH_TOKEN"), ("GH_HOST", "GITHUB_SERVER_URL")),
    ForgeKind.GITLAB: _Variables(("GITLAB_TOKEN",), ("GITLAB_HOST", "CI_SERVER_URL")),
    ForgeKind.GITEA: _Variables(("GITEA_TOKEN", "FORGEJO_TOKEN"), ("GITEA_SERVER_URL", "FORGEJO_SERVER_URL")),
}


def find_token(project: Project, kind: ForgeKind) -> str | None:
    """Return the token for the server of a project; None where there is none, or where it is for another server.

    Whoever runs a server can have it pose as any forge, so the address alone gets no token.
    """
    variable = _find_variable(kind)
    if variable is None or not _is_meant(project, kind):
        return None
    token = os.environ[variable].strip()
    # What cannot be sent would be repeated in the error of the connection.
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(f"{variable} holds what no token does: correct it.")
    return token


def advise(project: Project, kind: ForgeKind, right: str) -> str:
    """Return what to do where a server asks for a token that has a right, such as to read a project."""
    variable, meant = _find_variable(kind), _is_meant(project, kind)
    if variable is not None and meant:
        return f"see that the token in {variable} has not expired and may {right}"
    setting = f"{_VARIABLES[kind].servers[0]}={project.server}"
    if variable is not None:
        return f"set {setting}, since {variable} is sent to no server that is not named"
    wanted = f"set {_VARIABLES[kind].tokens[0]} to a token that may {right}"
    return wanted if meant else f"{wanted}, and {setting}"


def _find_variable(kind: ForgeKind) -> str | None:
    return next((name for name in _VARIABLES[kind].tokens if os.environ.get(name, "").strip()), None)


def _is_meant(project: Project, kind: ForgeKind) -> bool:
    names = [os.environ.get(name, "").strip() for name in _VARIABLES[kind].servers]
    servers = {re.sub(r"^https?://|/+$", "", name).lower() for name in names if name}
    return HOMES.get(project.server) is kind or project.server in servers
