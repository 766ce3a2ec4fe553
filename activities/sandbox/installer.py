"""What an installer inside the sandbox needs of the host: the way to the package index, and no more.

Proxies, certificates, name resolution and pip's configuration, with the folders it names.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from activities.sandbox.protocol import HOME

CERTIFICATES = (
    "ssl/certs",
    "ssl/cert.pem",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/ca-trust/extracted",
    "ca-certificates/extracted",
)

_VARIABLE = re.compile(
    r"PIP_\w+|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|(?:REQUESTS|CURL)_CA_BUNDLE", re.IGNORECASE
)
_LOCAL = re.compile(r"://(?:[^/@\s]*@)?(?:localhost|127\.[\d.]+|\[::1\])", re.IGNORECASE)
# These name places on the host that an installer has no business with in here.
_UNWANTED = {
    "PIP_CONFIG_FILE",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_CACHE_DIR",
    "PIP_LOG",
    "PIP_REQUIRE_VIRTUALENV",
}


@dataclass(frozen=True)
class IndexAccess:
    """Variables, folders to bind read-only, and files to write, by their absolute paths.

    `local` says that an index or a proxy is on this machine itself.
    """

    env: dict[str, str]
    folders: tuple[str, ...]
    files: dict[str, str]
    local: bool = False


def find_access() -> IndexAccess:
    """What this machine uses to reach its package index."""
    env = {name: value for name, value in os.environ.items() if _VARIABLE.fullmatch(name) and name not in _UNWANTED}
    configuration = {inside: text for inside, path in _pip_files().items() if (text := _read(path)) is not None}
    said = " ".join([*env.values(), *configuration.values()])
    named = _local_folders(said)
    network = {path: text for path in ("/etc/resolv.conf", "/etc/hosts") if (text := _read(Path(path))) is not None}
    settings = {
        "PIP_NO_INPUT": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return IndexAccess(
        {**env, **settings}, tuple(sorted(named)), {**configuration, **network}, bool(_LOCAL.search(said))
    )


def _pip_files() -> dict[str, Path]:
    """The configuration files of pip on this machine, by where it looks for them inside."""
    home = Path.home()
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    own = os.environ.get("PIP_CONFIG_FILE")
    return {
        "/etc/pip.conf": Path("/etc/pip.conf"),
        f"{HOME}/.pip/pip.conf": home / ".pip" / "pip.conf",
        f"{HOME}/.config/pip/pip.conf": Path(own) if own else user,
    }


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def _local_folders(text: str) -> set[str]:
    """The paths that index and find-links settings name. A "simple" index links to files beside it."""
    folders = set()
    for word in re.split(r"[\s,=]+", text):
        path = unquote(urlsplit(word).path) if word.startswith("file://") else word
        if not path.startswith("/") or not Path(path).exists():
            continue
        folder = Path(path)
        folders.add(str(folder.parent if folder.name == "simple" else folder))
    return folders - {"/", str(Path.home())}
