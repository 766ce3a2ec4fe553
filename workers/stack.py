"""The stack a command talks to: the configured deployment, or an embedded one found or started here."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO

from filelock import FileLock
from pydantic import BaseModel, ValidationError

from hydranet.errors import UsageError
from hydranet.settings import Settings, TemporalSettings

_STOP_SECONDS = 40


class Stack(BaseModel):
    """Where a running stack is; `pid` is 0 when it is not ours."""

    pid: int = 0
    version: str = ""
    temporal: TemporalSettings
    database: str

    def link(self, workflow_id: str) -> str:
        """The page of a workflow in the Temporal Web UI."""
        from urllib.parse import quote

        return f"{self.temporal.ui}/namespaces/{self.temporal.namespace}/workflows/{quote(workflow_id, safe='')}"


def code_version() -> str:
    """What identifies the installed code; a stack runs the code it was started with."""
    digest = hashlib.sha256()
    for package in ("activities", "hydranet", "workers", "workflows"):
        for path in sorted(Path(str(files(package))).rglob("*")):
            if path.suffix in (".py", ".sql", ".md"):
                digest.update(f"{path.name} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


class Folder:
    """The data folder's files by which commands and the embedded stack find each other."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir
        self.address = data_dir / "stack.json"
        self.keep = data_dir / "stack.keep"
        self.alive = data_dir / "stack.alive"
        self.log = data_dir / "logs" / "stack.log"
        self.running_lock = data_dir / "stack.lock"
        self.clients_lock = data_dir / "clients.lock"

    def create(self) -> None:
        """Make the folder; UsageError when it cannot be written."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.clients_lock.touch()
        except OSError as error:
            raise UsageError(
                f"The data folder {self.root} cannot be written ({error.strerror}): "
                "correct its permissions or choose another with HYDRA_DATA_DIR."
            ) from None

    def stack(self) -> Stack | None:
        """The stack that is running, None when there is none."""
        if not lock(self.running_lock):
            return None
        try:
            return Stack.model_validate_json(self.address.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


@contextmanager
def attach(settings: Settings) -> Iterator[Stack]:
    """The stack, started when there is none; an embedded one stays up at least until the block is left.

    Raises UsageError when it cannot be started.
    """
    if settings.temporal.address:
        yield Stack(temporal=settings.temporal, database=settings.database)
        return
    folder = Folder(settings.data_dir)
    folder.create()
    # Held shared by every command: the stack ends only when it gets it alone.
    with folder.clients_lock.open() as clients:
        fcntl.flock(clients, fcntl.LOCK_SH)
        with FileLock(folder.root / "start.lock"):
            stack = folder.stack() or _started(settings, folder)
        if stack.version != code_version():
            raise UsageError("The stack was started by another version of HydraNet: end it with `hydra down` first.")
        yield stack


def stop(settings: Settings) -> bool:
    """End the embedded stack; False when none was running. Open runs go on when the next one starts."""
    folder = Folder(settings.data_dir)
    folder.keep.unlink(missing_ok=True)
    stack = folder.stack()
    if stack is None:
        return False
    os.kill(stack.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while lock(folder.running_lock):
        if time.monotonic() > deadline:
            raise UsageError(f"The stack (process {stack.pid}) does not end: see {folder.log}.")
        time.sleep(0.05)
    return True


def lock(path: Path) -> bool:
    """Whether another process holds the lock file."""
    try:
        with path.open() as file:
            return try_lock(file) is False
    except FileNotFoundError:
        return False


def try_lock(file: IO[str]) -> bool:
    """Lock an open file for this process alone; False when somebody holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(settings: Settings, folder: Folder) -> Stack:
    """Start the stack; once more when what a killed one left behind was still on its way out."""
    try:
        return _start(settings, folder)
    except UsageError:
        return _start(settings, folder)


def _start(settings: Settings, folder: Folder) -> Stack:
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-m", "workers.embedded"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "HYDRA_DATA_DIR": str(settings.data_dir.resolve())},
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as said:
            line = said.readline().strip()
    stack = folder.stack() if line == "ready" else None
    if stack is None:
        raise UsageError(line.removeprefix("error: ") or f"The stack did not start: see {folder.log}.")
    return stack
