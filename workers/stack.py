"""The stack of a command: the configured deployment, or an embedded one that is started when none runs."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from activities.private_file import write_private
from hydranet import __version__
from hydranet.errors import UsageError
from hydranet.settings import Settings, TemporalSettings
from workers.cluster.membership import check_no_node
from workers.observation import Observation
from workers.temporal_profile import choose_server

_logger = logging.getLogger(__name__)

# A socket's path has at most 107 bytes, and the longest name in the folder 21.
_LONGEST_RUNTIME_PATH = 85
# Twice what an embedded process gets to end before it is killed.
_STOP_SECONDS = 40
_OBSERVE_SECONDS = 30


class StartError(UsageError):
    """A part of the stack did not start, which it may at the next try: what a killed one left may still be ending."""


class Stack(BaseModel):
    """The addresses of a running stack; `pid` is 0 when it is not embedded.

    `codec` is where the `temporal` command seals and opens payloads, with the token of the Web UI.
    `network_ui` is the address of the Web UI for other machines, with the SHA-256 of its certificate; empty without.
    `server_pid` is a process in the namespace of its Temporal server, 0 without one. The server is `exposed` where it
    listens on a port that every user of the machine can reach.
    """

    pid: int = 0
    version: str = ""
    temporal: TemporalSettings
    database: str
    web_ui_token: str = ""
    network_ui: str = ""
    network_ui_fingerprint: str = ""
    codec: str = ""
    server_pid: int = 0
    exposed: bool = False
    observation: Observation | None = None

    @property
    def web_ui(self) -> str:
        """The address of the Temporal Web UI, with what opens it."""
        return self._add_token(f"{self.temporal.ui}/")

    @property
    def network_web_ui(self) -> str:
        """The address of the Web UI for other machines, with what opens it; empty where they may not reach it."""
        return f"{self.network_ui}/?token={self.web_ui_token}" if self.network_ui else ""

    def workflow_url(self, workflow_id: str) -> str:
        """Return the address of a workflow's page in the Temporal Web UI, with what opens it; empty if unknown."""
        from urllib.parse import quote

        if not self.temporal.ui:
            return ""
        page = f"{self.temporal.ui}/namespaces/{self.temporal.namespace}/workflows/{quote(workflow_id, safe='')}"
        return self._add_token(page)

    def _add_token(self, address: str) -> str:
        # An address of the user's own leads elsewhere, and gets no token.
        return f"{address}?token={self.web_ui_token}" if self.codec.startswith(f"{self.temporal.ui}/") else address


def code_version() -> str:
    """Return a digest of the installed code, since a stack runs the code it was started with."""
    digest = hashlib.sha256()
    for package in ("activities", "hydranet", "workers", "workflows"):
        root = str(files(package))
        # pathlib takes three times as long, which every command would wait for.
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123
                    content = file.read()
                digest.update(f"{package}{folder.removeprefix(root)}/{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


@cache
def name_build() -> str:
    """Return the name of the installed build: the version, and the digest of its code."""
    return f"{__version__}+{code_version()}"


def build_command(module: str, *arguments: str) -> list[str]:
    """Return the command line of a process of ours, which imports nothing from where or how it is started.

    Not from the working directory, which may be a repository, nor from PYTHONPATH. Its texts are UTF-8, as everywhere.
    """
    return [sys.executable, "-I", "-X", "utf8", "-W", "ignore", "-m", module, *arguments]


class StackFolder:
    """The files in the data folder by which commands and the embedded stack find each other."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir
        self.address = data_dir / "stack.json"
        self.keep = data_dir / "stack.keep"
        self.observe = data_dir / "observe" / "wanted"
        self.alive = data_dir / "stack.alive"
        self.log = data_dir / "logs" / "stack.log"
        self.running_lock = data_dir / "stack.lock"
        self.clients_lock = data_dir / "clients.lock"

    def create(self) -> None:
        """Create the folder, and close it to other users. Raises UsageError when it cannot be used."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.root.stat().st_uid != os.geteuid():
                raise UsageError(
                    f"The data folder {self.root} belongs to another user: choose another with HYDRA_DATA_DIR."
                )
            self.root.chmod(0o700)
            self.log.parent.mkdir(exist_ok=True)
            self.clients_lock.touch()
        except OSError as error:
            raise UsageError(
                f"The data folder {self.root} cannot be written ({error.strerror}): "
                "correct its permissions or choose another with HYDRA_DATA_DIR."
            ) from None

    def create_runtime_folder(self) -> Path:
        """Create the folder of the stack's sockets, for its user alone, and return it.

        It lies in the data folder, but where that path is too long for a socket. Raises UsageError when it belongs to
        another user.
        """
        folder = self.root.resolve() / "run"
        if len(os.fsencode(folder)) > _LONGEST_RUNTIME_PATH:
            parent = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
            name = hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:16]
            folder = parent / f"hydranet-{os.geteuid()}-{name}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise UsageError(
                f"The folder of HydraNet's sockets, {folder}, belongs to somebody else: remove it, "
                "or set XDG_RUNTIME_DIR to a folder of your own."
            )
        folder.chmod(0o700)
        return folder

    def write_address(self, stack: Stack) -> None:
        """Tell commands where the stack is."""
        write_private(self.address, stack.model_dump_json())

    def find_stack(self) -> Stack | None:
        """Return the running stack, None when there is none."""
        if not is_locked(self.running_lock):
            return None
        try:
            return Stack.model_validate_json(self.address.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def request_observation(self) -> Observation:
        """Ask the running stack to be observed, and return where it is. Raises UsageError where that takes too long."""
        self.observe.parent.mkdir(mode=0o700, exist_ok=True)
        self.observe.touch()
        deadline = time.monotonic() + _OBSERVE_SECONDS
        while time.monotonic() < deadline:
            if (stack := self.find_stack()) is not None and stack.observation is not None:
                return stack.observation
            time.sleep(0.1)
        raise UsageError(f"The stack is not observed after {_OBSERVE_SECONDS} seconds: see {self.log}.")


@contextmanager
def attach(settings: Settings) -> Iterator[Stack]:
    """Attach to the stack; start an embedded one when none runs, which then stays up until the block is left.

    Raises UsageError when it cannot be started, or was started by another version.
    """
    temporal = choose_server(settings.temporal)
    if temporal.address:
        yield Stack(temporal=temporal, database=settings.database)
        return
    check_no_node(settings.data_dir)
    folder = StackFolder(settings.data_dir)
    folder.create()
    # Every command holds a shared lock: the stack ends only when it gets an exclusive one.
    with folder.clients_lock.open() as clients:
        fcntl.flock(clients, fcntl.LOCK_SH)
        yield find_or_start(settings, folder)


def find_or_start(settings: Settings, folder: StackFolder) -> Stack:
    """Return the running embedded stack; start one where none runs.

    Raises UsageError when it cannot be started, or was started by another version.
    """
    with (folder.root / "start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        stack = folder.find_stack() or _start_with_retry(settings, folder)
    if stack.version != code_version():
        raise UsageError("The stack was started by another version of HydraNet: end it with `hydra down` first.")
    return stack


def stop(settings: Settings) -> bool:
    """End the embedded stack; return False when none was running. Open runs go on with the next one.

    Raises UsageError when it does not end.
    """
    folder = StackFolder(settings.data_dir)
    folder.keep.unlink(missing_ok=True)
    folder.observe.unlink(missing_ok=True)
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
    except StartError:
        # The processes of a stack that was killed may still have been ending.
        return _start(settings, folder)


def _start(settings: Settings, folder: StackFolder) -> Stack:
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            build_command("workers.embedded"),
            cwd="/",
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
        kind = UsageError if process.wait() == 2 else StartError
        raise kind(line.removeprefix("error: ") or f"The stack did not start: see {folder.log}.")
    if stack.exposed:
        _logger.warning(
            "This machine allows no user namespaces, so every user of it can reach the port of Temporal's server. "
            "What passes through is sealed; docs/explanation/security.md says what remains."
        )
    return stack
