"""Files and folders that their user alone may read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their user alone; one that is there stays as it is."""
    for each in (*reversed(folder.parents), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def write_private(file: Path, text: str) -> None:
    """Write a file at once and for its user alone. Raises OSError where it cannot be written."""
    with _write_partial(file, text) as partial:
        partial.replace(file)


def create_private(file: Path, text: str) -> None:
    """Create a file as `write_private` does, and leave one that is there: of several processes the first decides."""
    with _write_partial(file, text) as partial, suppress(FileExistsError):
        os.link(partial, file)


@contextmanager
def _write_partial(file: Path, text: str) -> Iterator[Path]:
    partial = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
        yield partial
    finally:
        partial.unlink(missing_ok=True)
