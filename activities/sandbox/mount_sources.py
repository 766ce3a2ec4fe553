"""The folders and files of the host that a job mounts: none may be a link, which would mount something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from activities.sandbox.protocol import Job, locate_generated
from hydranet.errors import FatalError


def check_sources(job: Job) -> None:
    """Raise FatalError when something that a job mounts is a link, or neither a folder nor a file as it has to be.

    What is missing is left to the sandbox, which says so.
    """
    for path, is_right in _list_sources(job):
        try:
            descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if not is_right(os.fstat(descriptor).st_mode):
                raise FatalError(f"{path} is a link or of a wrong kind, and is not mounted into a sandbox: remove it.")
        finally:
            os.close(descriptor)


def _list_sources(job: Job) -> Iterator[tuple[Path, Callable[[int], bool]]]:
    yield job.tree, stat.S_ISDIR
    if job.environment is not None:
        for folder in (job.environment.parent, job.environment, locate_generated(job.environment)):
            yield folder, stat.S_ISDIR
    if job.inputs is not None:
        yield job.inputs, stat.S_ISDIR
    if job.results is not None:
        yield job.results, stat.S_ISREG
