"""The host that processes of ours work on: its id, which names queues of its own, and its name for people."""

from __future__ import annotations

import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from activities.private_file import create_private
from hydranet.errors import UsageError

_ID = re.compile(r"[0-9a-f]{12}")
_NAME_LIMIT = 60


@dataclass(frozen=True)
class Host:
    """A machine, or one data folder of several on it: `id` is random, `name` that of the machine."""

    id: str
    name: str

    def identify(self, role: str) -> str:
        """Return the identity of a worker of `role` here, as Temporal's server shows it to others."""
        return f"{role}@{self.name}#{self.id}"


def load_host(data_dir: Path) -> Host:
    """Return this host, whose id is made once and kept in the data folder. Raises UsageError when it cannot be."""
    path = data_dir / "host-id"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_private(path, secrets.token_hex(6))  # workers of several roles start at the same time
        text = path.read_text().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"The id of this host cannot be kept in {path} ({reason}): make that file usable.") from None
    if not _ID.fullmatch(text):
        raise UsageError(f"{path} holds no id of a host: put its copy back, or remove it, and a new one is made.")
    return Host(text, read_machine_name())


def read_machine_name() -> str:
    """Return the machine's name in letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", socket.gethostname()).strip("-")[:_NAME_LIMIT] or "host"
