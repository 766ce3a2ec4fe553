"""Where the temporary files of a worker lie: in a folder that the next worker clears, however this one ends."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def make_scratch(folder: Path) -> Iterator[Path]:
    """Have all temporary files of this process in a folder of its own below `folder` until the block is left.

    What processes have left there that are dead is removed first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for lock in folder.glob("*.lock"):
        _clear(lock)
    own = folder / str(os.getpid())
    with FileLock(f"{own}.lock"):
        own.mkdir()
        tempfile.tempdir = str(own)
        try:
            yield own
        finally:
            tempfile.tempdir = None
            shutil.rmtree(own, ignore_errors=True)


def _clear(lock: Path) -> None:
    """Remove the folder of a process, unless that lives and holds its lock."""
    try:
        with FileLock(lock, timeout=0):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
    except Timeout:
        pass
