"""The Docker Engine, by its SDK: what every container is made with, and finding those that nobody needs.

What holds in a container: no network, a user that is not root, no capabilities, no new privileges, Docker's
default seccomp profile, a read-only root, bounded tmpfs for everything that can be written, cgroup limits on
memory (no swap), processors and processes, rlimits on files. What was not named for it is not mounted.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import docker
import psutil
import requests
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import LogConfig, Mount, Ulimit
from docker.utils import kwargs_from_env

from activities.sandbox.protocol import (
    ENVIRONMENT,
    INPUTS,
    OPEN_FILES,
    PACKAGE,
    RESULTS,
    TEMPORARY,
    WORK,
    Limits,
)
from hydranet.errors import TransientError

P = ParamSpec("P")
R = TypeVar("R")

INSIDE = Path(__file__).parent / "inside"
LABEL = "hydranet.worker"
UNTIL = "hydranet.until"

# Stands in for root. Anybody else is himself in a container too, for whom the trees are readable.
_USER = 64_000
_INODES = 200_000
_SHARED_MEMORY_MB = 256
_SECONDS = 60
_number = itertools.count()
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContainerSpec:
    """What a container is made of: host folders by their meaning, limits, and how long it may be kept.

    `files` are further files and folders of the host by their place inside, read-only. With a `network` other
    than "none" it may write to `environment`.
    """

    image: str
    tree: Path
    limits: Limits
    lifetime: float
    environment: Path | None = None
    inputs: Path | None = None
    results: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    network: str = "none"
    runtime: str = ""


def _transient(function: Callable[P, R]) -> Callable[P, Any]:
    """Run the function in a thread; what the engine or the way to it says becomes a TransientError."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except (DockerException, requests.RequestException, OSError) as error:
            raise TransientError(f"The sandbox could not be started by Docker: {_said(error)}") from None

    return call


def _said(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error)[:300]


class Engine:
    """A connection to the engine, for as long as the block lasts in which it is used."""

    def __init__(self, client: docker.APIClient) -> None:
        self._client = client
        self.owner = name_owner()

    @classmethod
    def connect(cls) -> Engine:
        """The engine that the environment (DOCKER_HOST) names; DockerException when none answers."""
        found = kwargs_from_env()
        _reach(found.get("base_url", DEFAULT_UNIX_SOCKET))
        return cls(docker.APIClient(version="auto", timeout=_SECONDS, **found))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def version(self) -> str:
        """The engine's version."""
        return str(self._client.version().get("Version", "of unknown version"))

    def runtimes(self) -> set[str]:
        """The names of the runtimes that the engine has."""
        return set(self._client.info().get("Runtimes", {}))

    def image(self, name: str) -> str | None:
        """The id of an image, None when the engine does not have it."""
        try:
            return str(self._client.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None

    @_transient
    def create(self, making: ContainerSpec) -> str:
        """Make a container; its id."""
        made = self._client.create_container(
            image=making.image,
            # The interpreter does not run the site module, so nothing of an environment can interfere.
            command=["python3", "-I", "-S", f"{PACKAGE}/init.py"],
            entrypoint=[],
            name=f"hydra-{self.owner.replace('/', '-')}-{next(_number)}",
            hostname="sandbox",
            user=":".join(map(str, choose_user())),
            stdin_open=True,
            working_dir=WORK,
            environment={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            labels={LABEL: self.owner, UNTIL: str(int(time.time() + making.lifetime))},
            network_disabled=making.network == "none",
            host_config=self._client.create_host_config(**_isolation(making)),
            healthcheck={"test": ["NONE"]},
            use_config_proxy=False,
        )
        return str(made["Id"])

    @_transient
    def attach(self, identifier: str) -> socket.socket:
        """The container's standard streams as a socket of frames, for a container that was not started yet."""
        held = self._client.attach_socket(identifier, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        try:
            return socket.socket(fileno=os.dup(held.fileno()))
        finally:
            # The SDK keeps the response there, without which the connection is not closed in time.
            held._response.close()

    @_transient
    def start(self, identifier: str) -> None:
        """Start a container."""
        self._client.start(identifier)

    @_transient
    def remove(self, identifier: str) -> None:
        """Kill and remove a container, unless it is gone or about to go."""
        _remove(self._client, identifier)

    @_transient
    def sweep(self) -> int:
        """Remove the containers whose worker is dead or whose time is over; how many there were.

        Of a worker on another machine only the time tells.
        """
        removed = 0
        for container in self._client.containers(all=True, filters={"label": LABEL}):
            labels = container.get("Labels") or {}
            until = labels.get(UNTIL, "")
            expired = not until.isdecimal() or int(until) < time.time()
            if expired or not is_alive(labels.get(LABEL, "")):
                _remove(self._client, container["Id"])
                removed += 1
        if removed:
            _logger.warning("Removed %d containers that nobody needed any more.", removed)
        return removed


def name_owner() -> str:
    """What tells this worker from every other, also after a reboot: machine, boot, process and its start."""
    return f"{_machine()}/{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_alive(worker: str) -> bool:
    """Whether the owner of that name may be at work still; of another machine's nobody here can tell."""
    machine, _, rest = worker.partition("/")
    if machine != _machine():
        return True
    boot, _, process = rest.partition("/")
    number, _, started = process.partition("/")
    return boot == _boot() and number.isdecimal() and _started(int(number)) == started


def _started(process: int) -> str:
    """When a process began, in hundredths of a second, empty when there is none."""
    try:
        return str(int(psutil.Process(process).create_time() * 100))
    except psutil.Error:
        return ""


@functools.cache
def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@functools.cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return "unknown"


def choose_user() -> tuple[int, int]:
    """The user and the group that commands run as: who runs HydraNet, but never root."""
    return os.getuid() or _USER, os.getgid() or _USER


def _isolation(making: ContainerSpec) -> dict[str, Any]:
    limits = making.limits
    user, group = choose_user()
    rooms = {WORK: limits.disk_mb, TEMPORARY: limits.disk_mb}
    return {
        "network_mode": making.network,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": {
            path: f"rw,exec,nosuid,nodev,uid={user},gid={group},mode=700,size={size}m,nr_inodes={_INODES}"
            for path, size in rooms.items()
        },
        "mounts": list(_mounts(making)),
        "shm_size": _SHARED_MEMORY_MB << 20,
        "mem_limit": limits.memory_mb << 20,
        "memswap_limit": limits.memory_mb << 20,
        "cpu_period": 100_000,
        "cpu_quota": int(limits.cpus * 100_000),
        # And the first process, which is ours.
        "pids_limit": limits.processes + 1,
        "ulimits": [
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "ipc_mode": "private",
        # Output is read as it comes and nothing of it lies on the host.
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
        "runtime": making.runtime or None,
    }


def _mounts(making: ContainerSpec) -> list[Mount]:
    places = {"/tree": making.tree, PACKAGE: INSIDE, **making.files}
    if making.inputs is not None:
        places[INPUTS] = making.inputs
    mounts = [Mount(target, str(source), type="bind", read_only=True) for target, source in places.items()]
    if making.environment is not None:
        mounts.append(Mount(ENVIRONMENT, str(making.environment), type="bind", read_only=making.network == "none"))
    if making.results is not None:
        mounts.append(Mount(RESULTS, str(making.results), type="bind"))
    return mounts


def _remove(client: docker.APIClient, identifier: str) -> None:
    with suppress(NotFound, APIError):
        client.remove_container(identifier, force=True, v=True)


def _reach(url: str) -> None:
    """Connect to a local engine's socket, and leave; the client forgets to close one that does not answer."""
    if "unix://" not in url:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(url.partition("unix://")[2])
        except OSError as error:
            raise DockerException(str(error)) from None
