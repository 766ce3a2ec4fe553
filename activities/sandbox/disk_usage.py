"""Limits on what a setup leaves on the host's disk: its size and the number of files."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

# Files and folders of an environment, several times those of a large one.
INODES_LIMIT = 500_000
# Seconds between two looks at the free space, which cost nothing, and between two counts, in multiples of one.
_POLL_SECONDS = 0.1
_COUNT_SECONDS = 1.0
_REST = 10
# A share of the limit: when the free space has shrunk by it, the files are counted at once.
_SHARE = 8


async def watch(folders: Sequence[Path], limit_mb: int) -> str:
    """Return as soon as the folders together are larger than a limit, with a clause that says so."""
    limit = limit_mb << 20
    begun = _read_free(folders[0])
    counted, next_count = begun, 0.0
    size, inodes = 0, 0
    while True:
        free = _read_free(folders[0])
        shrunk = counted[0] - free[0] > limit // _SHARE or counted[1] - free[1] > INODES_LIMIT // _SHARE
        if shrunk or time.monotonic() >= next_count:
            counted, began = free, time.monotonic()
            usage = await asyncio.to_thread(_count, folders, limit)
            if isinstance(usage, str):
                return usage
            size, inodes = usage
            next_count = time.monotonic() + max(_COUNT_SECONDS, _REST * (time.monotonic() - began))
        # Files that are open and deleted are seen in the free space only, with whatever else is written meanwhile.
        if size > limit or begun[0] - free[0] - size > limit:
            return f"wrote more than {limit_mb} MB to the disk"
        if inodes > INODES_LIMIT or begun[1] - free[1] - inodes > INODES_LIMIT:
            return f"made more than {INODES_LIMIT} files"
        await asyncio.sleep(_POLL_SECONDS)


def _read_free(folder: Path) -> tuple[int, int]:
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize, status.f_ffree


def _count(folders: Sequence[Path], limit: int) -> tuple[int, int] | str:
    """Return the bytes and the number of what is in the folders, or why that cannot be told."""
    size, inodes = 0, 0
    left = [str(folder) for folder in folders]
    while left and size <= limit and inodes <= INODES_LIMIT:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    size += status.st_blocks * 512
                    inodes += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except FileNotFoundError:
            # A setup removes files while they are counted.
            continue
        except PermissionError:
            return "made a folder that cannot be read"
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return "made folders that are too deep"
    return size, inodes
