"""Secrets of targets by their references: read when they are needed, and repeated nowhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hydranet.errors import TransientError

_BYTES_LIMIT = 4096


def read_secret(reference: str) -> str:
    """Return the secret at `env:NAME`, or the first line of `file:PATH`; TransientError where there is none.

    A file has to be its owner's alone.
    """
    form, _, place = reference.partition(":")
    if form == "env":
        if not (value := os.environ.get(place, "").strip()):
            raise TransientError(
                f"The variable {place} is not set for the supervisor: set it, and start the stack anew."
            )
        return value
    path = Path(place).expanduser()
    try:
        value = _read_line(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise TransientError(f"The secret in {path} cannot be read ({reason}): correct that file.") from None
    if not value:
        raise TransientError(f"The secret in {path} is empty: write it into the first line.")
    return value


def _read_line(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TransientError(f"{path} is no regular file: put the secret into one.")
        if status.st_mode & 0o077:
            raise TransientError(f"{path} is open to other users: close it (chmod 600 {path}).")
        return os.read(descriptor, _BYTES_LIMIT).decode().partition("\n")[0].strip()
    finally:
        os.close(descriptor)
