"""The Docker Engine, through its SDK: how every container is isolated, and which ones are orphans.

Enforced in a container: no network, a user that is not root, no capabilities, no new privileges, a seccomp filter
(Docker's default, then ours), a read-only root, a bounded tmpfs for everything writable, cgroup limits on memory
(without swap), CPU and processes, rlimits on files. Nothing is mounted that is not named in its ContainerSpec.
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
    GENERATED,
    INPUTS,
    INSIDE,
    INSIDE_PACKAGE,
    OPEN_FILES,
    RESULTS,
    TEMPORARY,
    TREE,
    WORK,
    Limits,
    locate_generated,
)
from hydranet.errors import TransientError

P = ParamSpec("P")
R = TypeVar("R")

# The worker that owns a container, and the time (seconds since 1970) after which anybody may remove it.
LABEL = "hydranet.worker"
UNTIL = "hydranet.until"

# Replaces root: an id without an account. Other users keep theirs, with which a container can read their files.
_USER = 64_000
# Every empty file costs the kernel about 1 KB that the size of a tmpfs does not count.
_INODES = 200_000
# /dev/shm, for tests that share memory between processes; Docker's default of 64 MB is soon used up.
_SHARED_MEMORY_MB = 256
# The kernel's default period of the CPU quota, in microseconds.
_PERIOD = 100_000
# For an answer of the engine: it may be busy with the other containers.
_SECONDS = 60
_number = itertools.count()
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContainerSpec:
    """The parts of a container: the host's folders, limits, and its lifetime in seconds.

    `files` are further files and folders of the host by their path inside, read-only. `writable` is the environment.
    """

    image: str
    tree: Path
    limits: Limits
    lifetime: float
    environment: Path | None = None
    writable: bool = False
    inputs: Path | None = None
    results: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    runtime: str = ""


def _in_thread(function: Callable[P, R]) -> Callable[P, Any]:
    """Run the blocking SDK in a thread, and raise its errors as TransientError."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except (DockerException, requests.RequestException, OSError) as error:
            cause = str(getattr(error, "explanation", None) or error)[:300]
            raise TransientError(f"The sandbox could not be started by Docker: {cause}") from None

    return call


class DockerEngine:
    """A connection to the engine; `owner` names this worker in the labels of its containers."""

    def __init__(self, client: docker.APIClient) -> None:
        self._client = client
        self.owner = name_owner()

    @classmethod
    def connect(cls) -> DockerEngine:
        """Connect to the engine that DOCKER_HOST names, else the local one.

        Raises DockerException when none answers.
        """
        options = kwargs_from_env()
        _check_socket(options.get("base_url", DEFAULT_UNIX_SOCKET))
        return cls(docker.APIClient(version="auto", timeout=_SECONDS, **options))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get_version(self) -> str:
        """Return the engine's version."""
        return str(self._client.version().get("Version", "of unknown version"))

    def list_runtimes(self) -> set[str]:
        """Return the names of the engine's runtimes."""
        return set(self._client.info().get("Runtimes", {}))

    def find_image(self, name: str) -> str | None:
        """Return the id of an image, None when the engine does not have it."""
        try:
            return str(self._client.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None

    def count_containers(self) -> int:
        """Return how many containers of this worker the engine has."""
        return len(self._client.containers(filters={"label": f"{LABEL}={self.owner}"}))

    def read_stats(self) -> dict[str, dict[str, Any]]:
        """Return what the engine reads from the control groups of this worker's containers, by their ids."""
        stats = {}
        for container in self._client.containers(filters={"label": f"{LABEL}={self.owner}"}):
            with suppress(APIError):  # It has ended meanwhile.
                stats[container["Id"]] = self._client.stats(container["Id"], stream=False, one_shot=True)
        return stats

    @_in_thread
    def create(self, spec: ContainerSpec) -> str:
        """Create a container and return its id."""
        container = self._client.create_container(
            image=spec.image,
            # Isolated and without the site module, so nothing in an environment can change what init does.
            command=["python3", "-I", "-S", f"{INSIDE_PACKAGE}/init.py"],
            entrypoint=[],
            name=f"hydra-{self.owner.replace('/', '-')}-{next(_number)}",
            hostname="sandbox",
            user=":".join(map(str, choose_user())),
            stdin_open=True,
            working_dir=WORK,
            environment={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            labels={LABEL: self.owner, UNTIL: str(int(time.time() + spec.lifetime))},
            network_disabled=True,
            host_config=self._client.create_host_config(**_isolate(spec)),
            healthcheck={"test": ["NONE"]},
            use_config_proxy=False,
        )
        return str(container["Id"])

    @_in_thread
    def attach(self, identifier: str) -> socket.socket:
        """Return a socket with the standard streams, in frames, of a container that is not started yet."""
        attached = self._client.attach_socket(identifier, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        try:
            return socket.socket(fileno=os.dup(attached.fileno()))
        finally:
            # The SDK keeps the HTTP response there; unless it is closed, so is not the connection.
            attached._response.close()

    @_in_thread
    def start(self, identifier: str) -> None:
        """Start a container."""
        self._client.start(identifier)

    @_in_thread
    def remove(self, identifier: str) -> None:
        """Kill and remove a container, unless it is gone or being removed."""
        _remove(self._client, identifier)

    @_in_thread
    def sweep(self) -> int:
        """Remove the containers whose worker is dead or whose lifetime is over, and return their number."""
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
    """Return a name for this worker that no other has, not even after a reboot.

    It consists of machine, boot, process id and the process's start.
    """
    return f"{_machine()}/{_boot()}/{os.getpid()}/{_start_time(os.getpid())}"


def is_alive(owner: str) -> bool:
    """Return whether the worker of that name may still run; of another machine's nothing is known here."""
    machine, _, rest = owner.partition("/")
    if machine != _machine():
        return True
    boot, _, process = rest.partition("/")
    number, _, started = process.partition("/")
    return boot == _boot() and number.isdecimal() and _start_time(int(number)) == started


def _start_time(process: int) -> str:
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
    """Return the user and group ids of commands: those of this process, but never root's."""
    return os.getuid() or _USER, os.getgid() or _USER


def _isolate(spec: ContainerSpec) -> dict[str, Any]:
    limits = spec.limits
    user, group = choose_user()
    return {
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": dict.fromkeys(
            (WORK, TEMPORARY),
            f"rw,exec,nosuid,nodev,uid={user},gid={group},mode=700,size={limits.disk_mb}m,nr_inodes={_INODES}",
        ),
        "mounts": _build_mounts(spec),
        "shm_size": _SHARED_MEMORY_MB << 20,
        "mem_limit": limits.memory_mb << 20,
        # Memory and swap together, so there is no swap.
        "memswap_limit": limits.memory_mb << 20,
        "cpu_period": _PERIOD,
        "cpu_quota": int(limits.cpus * _PERIOD),
        # One more for our init.
        "pids_limit": limits.processes + 1,
        "ulimits": [
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "ipc_mode": "private",
        # Output is read from the socket; a log would grow on the host's disk.
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
        "runtime": spec.runtime or None,
    }


def _build_mounts(spec: ContainerSpec) -> list[Mount]:
    # The engine writes no names into a container without a network, not even localhost.
    sources = {TREE: spec.tree, INSIDE_PACKAGE: INSIDE, "/etc/hosts": INSIDE / "hosts", **spec.files}
    if spec.inputs is not None:
        sources[INPUTS] = spec.inputs
    mounts = [Mount(target, str(source), type="bind", read_only=True) for target, source in sources.items()]
    if spec.environment is not None:
        for target, source in {
            ENVIRONMENT: spec.environment,
            GENERATED: locate_generated(spec.environment),
        }.items():
            if source.is_dir():
                mounts.append(Mount(target, str(source), type="bind", read_only=not spec.writable))
    if spec.results is not None:
        mounts.append(Mount(RESULTS, str(spec.results), type="bind"))
    return mounts


def _remove(client: docker.APIClient, identifier: str) -> None:
    with suppress(NotFound, APIError):
        client.remove_container(identifier, force=True, v=True)


def _check_socket(url: str) -> None:
    # The SDK leaves its own socket open when a local engine does not answer, which is a ResourceWarning.
    if "unix://" not in url:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(url.partition("unix://")[2])
        except OSError as error:
            raise DockerException(str(error)) from None
