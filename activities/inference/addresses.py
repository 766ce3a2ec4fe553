"""Addresses of model servers: what is said of them, and the login that is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from hydranet.errors import UsageError

_HIDDEN = "***"


def hide_login(text: str) -> str:
    """Return the name or address of a model without the user name and the password of its address."""
    return re.sub(r"//.*@", f"//{_HIDDEN}@", text, flags=re.DOTALL)


def split_login(address: str) -> tuple[str, tuple[str, str] | None]:
    """Return an address without its login, and the login."""
    scheme, separator, rest = address.rpartition("://")
    login, at, host = rest.rpartition("@")
    name, _, password = login.partition(":")
    return f"{scheme}{separator}{host}", (unquote(name), unquote(password)) if at else None


def check_address(address: str) -> str:
    """Return the address of a server that a model names.

    Raises UsageError, which does not repeat the address, where it holds a login or is none: a model's name stands on
    command lines, in records and in histories.
    """
    if "@" in address:
        raise UsageError(
            "The address of a model may hold no password, since a model's name is shown and recorded: "
            'set it in your own settings, as in "models": {"logins": {"http://HOST:PORT": "USER:PASSWORD"}}.'
        )
    try:
        url = httpx.URL(address)
        usable = url.scheme in ("http", "https") and bool(url.host) and not url.query and not url.fragment
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise UsageError("The address of the model is none: write http://HOST:PORT/v1, without a query.")
    return address


def find_login(address: str, logins: Mapping[str, SecretStr]) -> httpx.BasicAuth | None:
    """Return the login that the settings have for the server at `address`; another port is another server."""
    for known, login in logins.items():
        if _find_origin(known) == _find_origin(address):
            name, _, password = login.get_secret_value().partition(":")
            return httpx.BasicAuth(name, password)
    return None


def _find_origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
