"""The sandboxes of this worker that there are now: containers, and processes of bubblewrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from activities.sandbox.docker_engine import DockerEngine

T = TypeVar("T")

_PROGRAM = "bwrap"


def ask_engine(question: Callable[[DockerEngine], T], otherwise: T) -> T:
    """Return what Docker's engine answers, or `otherwise` where there is none or it does not answer."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from activities.sandbox.docker_engine import DockerEngine

    try:
        engine = DockerEngine.connect()
    except (DockerException, RequestException, OSError):
        return otherwise
    try:
        return question(engine)
    except (DockerException, RequestException):
        return otherwise
    finally:
        engine.close()


def list_processes() -> Iterator[psutil.Process]:
    """Yield the outermost processes of bubblewrap below this one."""
    for process in psutil.Process().children():
        try:
            if process.name() == _PROGRAM:
                yield process
        except psutil.Error:
            continue  # It has ended meanwhile.
