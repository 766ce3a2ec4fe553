"""Access to the package indexes for an installer in a sandbox: what it needs of the host, and whom it may reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from activities.sandbox.installer_settings import InstallerSettings, read_installer_settings

# Certificate stores of the distributions, below /etc.
CERTIFICATES = (
    "ssl/certs",
    "ssl/cert.pem",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/ca-trust/extracted",
    "ca-certificates/extracted",
)

# The public indexes whose pages link to files on another host.
_FILES = {"pypi.org": "files.pythonhosted.org", "test.pypi.org": "test-files.pythonhosted.org"}
_PORTS = {"http": 80, "https": 443}

Host = tuple[str, int]


@dataclass(frozen=True)
class IndexAccess:
    """Environment variables, folders to bind read-only, and the text of files to write, by absolute path.

    `hosts` are those that may be reached, by name and port, and `proxies` the machine's own by scheme: "no" lists the
    hosts that need none.
    """

    env: dict[str, str]
    folders: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    hosts: frozenset[Host] = frozenset()
    proxies: Mapping[str, str] = field(default_factory=dict)


def find_index_access(package_hosts: Iterable[str] = ()) -> IndexAccess:
    """Return how this machine reaches its package indexes; `package_hosts`, as HOST or HOST:PORT, are further hosts."""
    settings = read_installer_settings()
    return IndexAccess(
        env=settings.env,
        folders=tuple(sorted(_find_folders(settings))),
        files=settings.files,
        hosts=frozenset([*_list_hosts(settings.indexes), *map(parse_host, package_hosts)]),
        proxies=settings.proxies,
    )


def parse_host(text: str) -> Host:
    """Return the name and port that HOST or HOST:PORT names; an IPv6 address is in brackets, the port is 443.

    Raises ValueError when it names none.
    """
    parts = urlsplit(f"https://{text}")
    if not parts.hostname or parts.netloc != text or "@" in text:
        raise ValueError(f"{text!r} is no HOST:PORT")
    return parts.hostname.rstrip("."), parts.port if parts.port is not None else 443


def _list_hosts(urls: Iterable[str]) -> Iterable[Host]:
    for url in urls:
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            continue
        if port and parts.hostname and parts.scheme in _PORTS:
            name = parts.hostname.rstrip(".")
            yield name, port
            if name in _FILES:
                yield _FILES[name], port


def _find_folders(settings: InstallerSettings) -> set[str]:
    configured = " ".join([*settings.env.values(), *settings.files.values(), *settings.indexes])
    folders = set()
    for word in re.split(r"[\s,=\"'\[\]]+", configured):
        path = unquote(urlsplit(word).path) if word.startswith("file://") else word
        if not path.startswith("/") or not Path(path).exists():
            continue
        folder = Path(path)
        # The pages of a "simple" index link to files in the folder beside it.
        folders.add(str(folder.parent if folder.name == "simple" else folder))
    return folders - {"/", str(Path.home())}
