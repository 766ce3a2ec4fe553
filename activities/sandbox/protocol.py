"""The `Sandbox` protocol: a job, its limits and how it ended.

A backend (Docker, bubblewrap) implements `Sandbox`; everything else knows only the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from activities.sandbox.node_dependencies import calls_node

if TYPE_CHECKING:
    from hydranet.contracts import SandboxSpec

# Mount points inside every sandbox, whatever its backend.
TREE = "/tree"
WORK = "/work"
ENVIRONMENT = "/env"
INPUTS = "/inputs"
RESULTS = "/results"
TOOLS = "/hydra"
INSIDE_PACKAGE = f"{TOOLS}/hydra_inside"
TEMPORARY = "/tmp"  # noqa: S108 - a tmpfs of the sandbox's own
HOME = f"{TEMPORARY}/home"

# In a setup: the socket of the proxy to the package indexes, and where a forwarder inside listens for it.
PROXY_SOCKET = "/package-index"
PROXY_URL = "http://127.0.0.1:3128"

# Files that a setup generated in its work tree (a version file, egg-info), added to every later work tree.
GENERATED = "/generated"

# The code on the host that is mounted at INSIDE_PACKAGE.
INSIDE = Path(__file__).parent / "inside"

# Open files per process (RLIMIT_NOFILE): several times the usual 1024, far below what exhausts a host.
OPEN_FILES = 4096

# V8 reserves 10 GB for each memory of WebAssembly, of which a runner with several workers has dozens.
_RESERVED_MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The limits of one command: wall time in seconds, sizes in MB and KB, processors.

    `memory_mb`, `processes` and `cpus` hold for all its processes together, `file_mb` for each file. `disk_mb` is
    the size of the work tree and, again, of /tmp. `reserves_memory` says that its programs reserve much more address
    space than they use, as Node does for WebAssembly.
    """

    seconds: float
    memory_mb: int
    processes: int
    file_mb: int
    disk_mb: int
    output_kb: int
    cpus: float = 2.0
    reserves_memory: bool = False

    @property
    def address_mb(self) -> int:
        """The address space of one process, where its memory is bounded otherwise."""
        return _RESERVED_MB if self.reserves_memory else 4 * self.memory_mb

    @classmethod
    def for_tests(cls, spec: SandboxSpec, seconds: float | None = None) -> Limits:
        """Return the limits of a test run, or of another command that may take `seconds`."""
        return cls(
            seconds=spec.test_timeout if seconds is None else seconds,
            memory_mb=spec.memory_mb,
            processes=spec.processes,
            file_mb=spec.file_mb,
            disk_mb=4 * spec.file_mb,
            output_kb=spec.output_kb,
            cpus=spec.cpus,
            reserves_memory=calls_node(spec.test_command),
        )

    @classmethod
    def for_setup(cls, spec: SandboxSpec) -> Limits:
        """Return the limits of a setup."""
        # Installers and compilers need more memory, larger files and more output than tests.
        return cls(
            seconds=spec.setup_timeout,
            memory_mb=max(spec.memory_mb, 4096),
            processes=spec.processes,
            file_mb=max(spec.file_mb, 2048),
            disk_mb=max(4 * spec.file_mb, 4096),
            output_kb=max(spec.output_kb, 16_384),
            cpus=spec.cpus,
            reserves_memory=calls_node(spec.test_command),
        )


def locate_generated(environment: Path) -> Path:
    """Return the folder for what a setup generates in its work tree; it lies beside what a setup can change."""
    return environment.with_name("generated")


def run_in(folder: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that runs another in a folder of the work tree."""
    return ("/bin/sh", "-c", 'cd "$0" && exec "$@"', f"{WORK}/{folder}", *command) if folder else command


@dataclass(frozen=True)
class Job:
    """One command and all that it may see.

    `tree` is the host's folder behind /work, as a copy-on-write view that is discarded afterwards.
    `environment` (at /env), the folder beside it with what its setup generated in the work tree (at /generated) and the
    folder `inputs` (at /inputs) are read-only.
    `results` is an existing file (at /results), the only one of the host's that the command can read and write.
    `env` are its variables beside those of every sandbox.
    `setup` lets it reach the package indexes through a proxy, and makes both of the environment writable.
    """

    command: tuple[str, ...]
    tree: Path
    limits: Limits
    env: Mapping[str, str] = field(default_factory=dict)
    environment: Path | None = None
    inputs: Path | None = None
    results: Path | None = None
    setup: bool = False


@dataclass(frozen=True)
class Execution:
    """How a command ended.

    `exit_status` is 128 + n after signal n. `output` is stdout and stderr together, about in the order in which they
    came. Beyond the limit the middle of each is missing, and `left_out` counts those bytes of `output`. `reason` is
    empty unless the sandbox ended the command, and `timed_out` says that its time was up. `refused_hosts` are those
    that a setup asked for and that are no package index, as HOST:PORT.
    """

    exit_status: int
    output: str
    stdout: str = ""
    stderr: str = ""
    left_out: int = 0
    timed_out: bool = False
    reason: str = ""
    seconds: float = 0.0
    refused_hosts: tuple[str, ...] = ()


class Sandbox(Protocol):
    """A backend that runs commands in isolation.

    `name` describes it to people; `interpreter` identifies the Python that its virtual environments depend on.
    """

    name: str
    interpreter: tuple[str, ...]

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; no process of it survives, not even when the call is cancelled.

        Raises TransientError when the sandbox itself cannot be started.
        """
        ...
