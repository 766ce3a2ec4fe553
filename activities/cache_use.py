"""When something in the cache of a node was last used, by which a sweep tells what is old."""

from contextlib import suppress
from pathlib import Path


def mark_used(path: Path) -> None:
    """Note that something in the cache is used now."""
    # Beside it, since what is in the cache is read-only.
    with suppress(OSError):
        locate_lock(path).touch()


def locate_lock(path: Path) -> Path:
    """Return the lock file of something in the cache, which is as old as its last use."""
    return path.with_name(f"{path.name}.lock")
