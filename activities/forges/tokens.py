"""Tokens of forges in the environment, each for one server."""

from __future__ import annotations

import os
from typing import NamedTuple

import httpx

from activities.forges.addresses import HOMES, ForgeKind, Project
from activities.inference.addresses import Origin, find_origin
from hydranet.errors import UsageError


class _Variables(NamedTuple):
    """The variables that hold a token, and those that name the server for which it is, if that is not the home."""

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
    variable = _find_first(_VARIABLES[kind].tokens)
    if not variable or _find_server(kind) != project.origin:
        return None
    token = os.environ[variable].strip()
    # What cannot be sent would be repeated in the error of the connection.
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(f"{variable} holds what no token does: correct it.")
    return token


def advise(project: Project, kind: ForgeKind, right: str) -> str:
    """Return what to do where a server asks for a token that has a right, such as to read a project."""
    variable, is_meant = _find_first(_VARIABLES[kind].tokens), _find_server(kind) == project.origin
    if variable and is_meant:
        return f"see that the token in {variable} has not expired and may {right}"
    name = _find_first(_VARIABLES[kind].servers) or _VARIABLES[kind].servers[0]
    setting = f"{name}={'http://' if project.origin.scheme == 'http' else ''}{project.server}"
    if variable:
        return f"set {setting} if {variable} is for it, which is sent to one server alone"
    wanted = f"set {_VARIABLES[kind].tokens[0]} to a token that may {right}"
    return wanted if is_meant else f"{wanted}, and {setting}"


def _find_first(names: tuple[str, ...]) -> str:
    return next((name for name in names if os.environ.get(name, "").strip()), "")


def _find_server(kind: ForgeKind) -> Origin:
    """The server for which the token of a kind is."""
    home = next(name for name, known in HOMES.items() if known is kind)
    variable = _find_first(_VARIABLES[kind].servers)
    server = os.environ[variable].strip() if variable else home
    try:
        return find_origin(server if "://" in server else f"https://{server}")
    except (httpx.InvalidURL, ValueError):
        raise UsageError(f"{variable} names no server: write it as in {variable}=git.example.org.") from None
