"""Forms of values in settings: ports, hosts, addresses of servers, paths. Each is refused with what to give instead."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from hydranet.bounded_models import CLEAN

SERVER = r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\s\\]+)(?::[0-9]{1,5})?"
"""The pattern of a server's address without its path."""

_Servers = TypeVar("_Servers", bound=Iterable[str])
_Names = TypeVar("_Names", bound=str)


def _check_host(text: str) -> str:
    host = re.fullmatch(r"(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::(?P<port>[0-9]{1,5}))?", text)
    if host is None or int(host["port"] or 443) > 65_535:
        raise ValueError("a host is HOST or HOST:PORT, in small letters and without https://")
    return text


def _check_address(text: str) -> str:
    if text and ip_address(text).is_unspecified:
        raise ValueError("name one address of this machine, such as 192.168.1.10")
    return text


def _check_path(path: Path) -> Path:
    path = path.expanduser()
    if not path.is_absolute():
        # Workers have no folder in common with the command that starts them.
        raise ValueError("give an absolute path, or one that begins with ~")
    return path


def _check_servers(servers: _Servers) -> _Servers:
    if not all(re.fullmatch(rf"{SERVER}(?:/[^?#@\s\\]*)?", server) for server in servers):
        raise ValueError("a server is http://HOST:PORT or https://HOST:PORT, without a login")
    return servers


def drop_repeated(names: tuple[_Names, ...]) -> tuple[_Names, ...]:
    """Return each name once, in order."""
    return tuple(dict.fromkeys(names))


Port = Annotated[int, Field(ge=0, le=65535)]
Value = Annotated[str, CLEAN, StringConstraints(max_length=2000)]
Host = Annotated[str, Field(max_length=260), AfterValidator(_check_host)]
ListenAddress = Annotated[str, AfterValidator(_check_address)]
ServerAddresses = Annotated[tuple[str, ...], AfterValidator(_check_servers)]
ByServer = Annotated[dict[str, SecretStr], AfterValidator(_check_servers)]
OwnPath = Annotated[Path, AfterValidator(_check_path)]
