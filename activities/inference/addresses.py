"""Addresses of model servers: what is said of them, which ones may be asked, and with which key or login."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Generator
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import unquote

import httpx

from hydranet.errors import UsageError
from hydranet.settings import ModelSettings

_DEFAULT_OLLAMA = "http://127.0.0.1:11434"
_OLLAMA_PORT = 11434
_LAST_PORT = 65_535

_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")

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


class Origin(NamedTuple):
    """A server; another scheme or port is another one."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bracketed_host}" + (f":{self.port}" if self.port else "")

    @property
    def bracketed_host(self) -> str:
        """The host as an address has it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether it is plainly on this machine: what a request may name without an entry in the settings."""
        return is_loopback(self.host)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, however that is written: what no proxy is asked for."""
        if self.host.endswith(".localhost") or self.host in _LOCAL_NAMES:
            return True
        try:
            # Also takes 127.1, 0 and 2130706433, as connecting does.
            address = ip_address(socket.inet_aton(self.host))
        except OSError:
            try:
                address = ip_address(self.host)
            except ValueError:
                return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return mapped.is_loopback or mapped.is_unspecified


def is_loopback(host: str) -> bool:
    """Return whether a name or address is plainly that of this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_origin(address: str | httpx.URL) -> Origin:
    """Return the server at an address, as httpx reads it, which is what connects."""
    url = httpx.URL(address)
    return Origin(url.scheme, url.raw_host.decode("ascii"), url.port or {"http": 80, "https": 443}.get(url.scheme))


def name_ollama_setting(settings: ModelSettings) -> str:
    """Return where the user named a server of Ollama: 'models.ollama_host' or OLLAMA_HOST; empty where nowhere."""
    if settings.ollama_host.strip():
        return "'models.ollama_host'"
    return "OLLAMA_HOST" if _read_variable() else ""


def resolve_ollama(settings: ModelSettings) -> tuple[str, tuple[str, str] | None]:
    """Return the address of the Ollama server, with its scheme and port, and the login in it.

    It is written as Ollama itself takes it: a host, a port or both, with a scheme or without. The address at which a
    server listens to everybody means this machine, and the /v1 of OpenAI's interface is left out.
    """
    written = settings.ollama_host.strip() or _read_variable() or _DEFAULT_OLLAMA
    address, login = split_login(written)
    if "://" not in address:
        host, slash, path = address.partition("/")
        with suppress(ValueError):
            host = f"[{IPv6Address(host)}]"
        name, colon, port = host.rpartition(":") if re.search(r":\d*$", host) else (host, "", "")
        address = f"http://{name}:{port if colon else _OLLAMA_PORT}{slash}{path}"
    address = re.sub(r"^(https?://)(?=:|/|$)", r"\g<1>127.0.0.1", address, flags=re.IGNORECASE)
    try:
        origin = find_origin(address)
        path = httpx.URL(address).path.rstrip("/")
    except (httpx.InvalidURL, ValueError):
        origin, path = Origin("", "", None), ""
    usable = re.fullmatch(r"[^\s%]+", origin.host) and origin.scheme in ("http", "https")
    if not usable or (origin.port or 0) > _LAST_PORT:
        setting = name_ollama_setting(settings)
        raise UsageError(f"The address of Ollama is none: write HOST, HOST:PORT or http://HOST:PORT in {setting}.")
    return f"{_replace_unspecified(origin)}{re.sub('/(v1|api)$', '', path)}", login


def _read_variable() -> str:
    return os.environ.get("OLLAMA_HOST", "").strip(" \t\r\n\"'")


def _replace_unspecified(origin: Origin) -> Origin:
    return origin._replace(host={"0.0.0.0": "127.0.0.1", "::": "::1"}.get(origin.host, origin.host))  # noqa: S104


def check_endpoint(address: str, settings: ModelSettings) -> str:
    """Return the address of a server that a model names.

    Raises UsageError for one that the settings do not name, unless it is on this machine: what a user serves here
    is asked without an entry, and without a key or login.
    """
    origin = find_origin(check_address(address))
    known = (*settings.endpoints, *settings.keys, *settings.logins)
    if (
        origin.is_loopback
        or any(_is_at(server, origin) for server in known)
        or _is_at(resolve_ollama(settings)[0], _replace_unspecified(origin))
    ):
        return address
    raise UsageError(
        f"Your settings do not name the model server {origin}: add it to 'models.endpoints' on each machine that asks "
        "it, and end a stack that runs with `hydra down`."
    )


def _is_at(address: str, origin: Origin) -> bool:
    try:
        return find_origin(address) == origin
    except (httpx.InvalidURL, ValueError):
        return False


class _Key(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


def _check_key(key: str, origin: Origin) -> str:
    # What cannot be sent would be repeated in the error of the connection.
    if not (key and key.isascii() and key.isprintable()):
        raise UsageError(f"The key of {origin} is empty or holds what no key does: correct it in 'models.keys'.")
    return key


def find_auth(address: str, settings: ModelSettings) -> httpx.Auth | None:
    """Return the login, or else the key, that the settings have for the server at `address`."""
    origin = find_origin(address)
    for known, login in settings.logins.items():
        if _is_at(known, origin):
            name, _, password = login.get_secret_value().partition(":")
            return httpx.BasicAuth(name, password)
    for known, key in settings.keys.items():
        if _is_at(known, origin):
            return _Key(_check_key(key.get_secret_value().strip(), origin))
    return None
