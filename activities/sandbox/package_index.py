"""Access to the host's package index for an installer in a sandbox: what it needs of the host, and no more.

That is pip's configuration with the folders it names, proxies, certificates and name resolution.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from activities.sandbox.environment_variables import list_installer_variables
from activities.sandbox.protocol import HOME

# Certificate stores of the distributions, below /etc.
CERTIFICATES = (
    "ssl/certs",
    "ssl/cert.pem",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/ca-trust/extracted",
    "ca-certificates/extracted",
)

_LOCAL = re.compile(r"://(?:[^/@\s]*@)?(?:localhost|127\.[\d.]+|\[::1\])", re.IGNORECASE)


@dataclass(frozen=True)
class IndexAccess:
    """Environment variables, folders to bind read-only, and the text of files to write, by absolute path.

    `local` says that an index or a proxy listens on this machine itself.
    """

    env: dict[str, str]
    folders: tuple[str, ...]
    files: dict[str, str]
    local: bool = False


def find_index_access() -> IndexAccess:
    """Return how this machine reaches its package index."""
    env = list_installer_variables()
    configuration = {inside: text for inside, path in _pip_files().items() if (text := _read(path)) is not None}
    network = {path: text for path in ("/etc/resolv.conf", "/etc/hosts") if (text := _read(Path(path))) is not None}
    configured = " ".join([*env.values(), *configuration.values()])
    return IndexAccess(
        env=env,
        folders=tuple(sorted(_find_folders(configured))),
        files={**configuration, **network},
        local=bool(_LOCAL.search(configured)),
    )


def _pip_files() -> dict[str, Path]:
    home = Path.home()
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    chosen = os.environ.get("PIP_CONFIG_FILE")
    # Keyed by where pip looks for it inside the sandbox.
    return {
        "/etc/pip.conf": Path("/etc/pip.conf"),
        f"{HOME}/.pip/pip.conf": home / ".pip" / "pip.conf",
        f"{HOME}/.config/pip/pip.conf": Path(chosen) if chosen else user,
    }


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def _find_folders(configured: str) -> set[str]:
    folders = set()
    for word in re.split(r"[\s,=]+", configured):
        path = unquote(urlsplit(word).path) if word.startswith("file://") else word
        if not path.startswith("/") or not Path(path).exists():
            continue
        folder = Path(path)
        # The pages of a "simple" index link to files in the folder beside it.
        folders.add(str(folder.parent if folder.name == "simple" else folder))
    return folders - {"/", str(Path.home())}
