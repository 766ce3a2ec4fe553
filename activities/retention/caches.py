"""What is old in the cache of a node: git objects, checkouts, prepared environments."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from activities.cache_use import locate_lock
from hydranet.contracts import Removal
from hydranet.retention import RetentionSettings

KINDS = {"objects": "git objects", "trees": "checkouts", "environments": "environments"}
"""The folders of a cache, and what is in them."""

_SWEPT = ".swept"
_DAY = 86_400


def sweep_caches(cache: Path, kept: RetentionSettings, used_before: datetime, *, dry_run: bool) -> list[Removal]:
    """Remove what was last used too long ago, and before `used_before`; return how much of each kind."""
    removals = []
    for folder, what in KINDS.items():
        days = kept.environments_days if folder == "environments" else kept.caches_days
        before = min(time.time() - days * _DAY, used_before.timestamp()) if days else 0.0
        old = list(_list_old(cache / folder, before))
        size = sum(measure(path) for path in old)
        if not dry_run:
            old = [path for path in old if _remove(path, before)]
        removals.append(Removal(what=what, count=len(old), size=size))
    return removals


def measure(path: Path) -> int:
    """Return the bytes that a folder takes on the disk, 0 where it cannot be read."""
    # A program counts a large environment in a tenth of the time, and is not stopped by what it may not read.
    done = subprocess.run(["du", "-sk", "--", str(path)], capture_output=True, text=True)
    figure = done.stdout.partition("\t")[0]
    return int(figure) * 1024 if figure.isdecimal() else 0


def _list_old(folder: Path, before: float) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and _find_last_use(path) < before:
            yield path


def _find_last_use(path: Path) -> float:
    moments = [path.lstat().st_mtime]
    for beside in (locate_lock(path), path / "complete"):
        with suppress(OSError):
            moments.append(beside.stat().st_mtime)
    return max(moments)


def _remove(path: Path, before: float) -> bool:
    """Remove something, unless it was used or is being made meanwhile."""
    swept = path.with_name(f"{path.name}{_SWEPT}") if path.suffix != _SWEPT else path
    try:
        if _find_last_use(path) >= before:
            return False
        with FileLock(locate_lock(path), timeout=0):
            os.replace(path, swept)  # noqa: PTH105 - atomic
    except (Timeout, OSError):
        return False
    # By programs, which do not give up on folders that are deep or that their owner may not read.
    for words in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        subprocess.run([*words, "--", str(swept)], capture_output=True)
    return not swept.exists()
