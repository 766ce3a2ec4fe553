"""The stack of a command: the configured deployment, or an embedded one that is started when none runs."""

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

from pydantic import BaseModel, ValidationError

from hydranet.errors import UsageError
from hydranet.settings import Settings, TemporalSettings

# Twice what an embedded process gets to end before it is killed.
_STOP_SECONDS = 40


class Stack(BaseModel):
    """The addresses of a running stack; `pid` is 0 when it is not embedded."""

    pid: int = 0
    version: str = ""
    temporal: TemporalSettings
    database: str

    def workflow_url(self, workflow_id: str) -> str:
        """Return the address of a workflow's page in the Temporal Web UI."""
        from urllib.parse import quote

        return f"{self.temporal.ui}/namespaces/{self.temporal.namespace}/workflows/{quote(workflow_id, safe='')}"


def code_version() -> str:
    """Return a digest of the installed code, since a stack runs the code it was started with."""
    digest = hashlib.sha256()
    for package in ("activities", "hydranet", "workers", "workflows"):
        for path in sorted(Path(str(files(package))).rglob("*")):
            if path.suffix in (".py", ".sql", ".md"):
                digest.update(f"{path.name} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


class StackFolder:
    """The files in the data folder by which commands and the embedded stack find each other."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir
        self.address = data_dir / "stack.json"
        self.keep = data_dir / "stack.keep"
        self.alive = data_dir / "stack.alive"
        self.log = data_dir / "logs" / "stack.log"
        self.running_lock = data_dir / "stack.lock"
        self.clients_lock = data_dir / "clients.lock"

    def create(self) -> None:
        """Create the folder. Raises UsageError when it cannot be written."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.clients_lock.touch()
        except OSError as error:
            raise UsageError(
                f"The data folder {self.root} cannot be written ({error.strerror}): "
                "correct its permissions or choose another with HYDRA_DATA_DIR."
            ) from None

    def find_stack(self) -> Stack | None:
        """Return the running stack, None when there is none."""
        if not is_locked(self.running_lock):
            return None
        try:
            return Stack.model_validate_json(self.address.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


@contextmanager
def attach(settings: Settings) -> Iterator[Stack]:
    """Attach to the stack; start an embedded one when none runs, which then stays up until the block is left.

    Raises UsageError when it cannot be started, or was started by another version.
    """
    if settings.temporal.address:
        yield Stack(temporal=settings.temporal, database=settings.database)
        return
    folder = StackFolder(settings.data_dir)
    folder.create()
    # Every command holds a shared lock: the stack ends only when it gets an exclusive one.
    with folder.clients_lock.open() as clients:
        fcntl.flock(clients, fcntl.LOCK_SH)
        with (folder.root / "start.lock").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            stack = folder.find_stack() or _start_with_retry(settings, folder)
        if stack.version != code_version():
            raise UsageError("The stack was started by another version of HydraNet: end it with `hydra down` first.")
        yield stack


def stop(settings: Settings) -> bool:
    """End the embedded stack; return False when none was running. Open runs go on with the next one.

    Raises UsageError when it does not end.
    """
    folder = StackFolder(settings.data_dir)
    folder.keep.unlink(missing_ok=True)
    stack = folder.find_stack()
    if stack is None:
        return False
    os.kill(stack.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(folder.running_lock):
        if time.monotonic() > deadline:
            raise UsageError(f"The stack (process {stack.pid}) does not end: see {folder.log}.")
        time.sleep(0.05)
    return True


def is_locked(path: Path) -> bool:
    """Return whether another process holds the lock file."""
    try:
        with path.open() as file:
            return try_lock(file) is False
    except FileNotFoundError:
        return False


def try_lock(file: IO[str]) -> bool:
    """Lock an open file for this process alone; return False when another holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_with_retry(settings: Settings, folder: StackFolder) -> Stack:
    try:
        return _start(settings, folder)
    except UsageError:
        # The processes of a stack that was killed may still have been ending.
        return _start(settings, folder)


def _start(settings: Settings, folder: StackFolder) -> Stack:
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
        with process.stdout as output:
            line = output.readline().strip()
    stack = folder.find_stack() if line == "ready" else None
    if stack is None:
        raise UsageError(line.removeprefix("error: ") or f"The stack did not start: see {folder.log}.")
    return stack
