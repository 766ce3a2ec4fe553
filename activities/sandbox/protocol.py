"""What a sandbox is: one command, run where it can hurt nobody.

A backend (Docker, bubblewrap) implements `Sandbox`; everything else speaks only to the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hydranet.errors import UsageError

if TYPE_CHECKING:
    from hydranet.contracts import SandboxSpec

# Where things are inside every sandbox, whatever its backend.
WORK = "/work"
ENVIRONMENT = "/env"
INPUTS = "/inputs"
RESULTS = "/results"
TOOLS = "/hydra"
PACKAGE = f"{TOOLS}/hydra_inside"
TEMPORARY = "/tmp"  # noqa: S108 - a file system of the sandbox's own
HOME = f"{TEMPORARY}/home"

# How many files a process may have open at a time.
OPEN_FILES = 4096

# What a prepare step left in its work tree (a generated version file, egg-info), put into every later one.
MADE = f"{ENVIRONMENT}/.hydra-work"

_UNUSABLE = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Limits:
    """What one command may use: wall time in seconds, sizes in MB and KB, processors.

    `memory_mb`, `processes` and `cpus` hold for all its processes together, `file_mb` per file; `disk_mb` is
    the room in the work tree and, again, in /tmp.
    """

    seconds: float
    memory_mb: int
    processes: int
    file_mb: int
    disk_mb: int
    output_kb: int
    cpus: float = 2.0

    @classmethod
    def for_tests(cls, spec: SandboxSpec, seconds: float | None = None) -> Limits:
        """The limits of a test run; `seconds` where they are not those of one test command."""
        return cls(
            seconds=spec.test_timeout if seconds is None else seconds,
            memory_mb=spec.memory_mb,
            processes=spec.processes,
            file_mb=spec.file_mb,
            disk_mb=4 * spec.file_mb,
            output_kb=spec.output_kb,
            cpus=spec.cpus,
        )

    @classmethod
    def for_setup(cls, spec: SandboxSpec) -> Limits:
        """The limits of a prepare step: installers and compilers need larger files and more output."""
        return cls(
            seconds=spec.setup_timeout,
            memory_mb=max(spec.memory_mb, 4096),
            processes=spec.processes,
            file_mb=max(spec.file_mb, 2048),
            disk_mb=max(4 * spec.file_mb, 4096),
            output_kb=max(spec.output_kb, 16_384),
            cpus=spec.cpus,
        )


@dataclass(frozen=True)
class Job:
    """One command and all that it may see.

    `tree` is the host's folder behind /work: the command gets a copy-on-write view that is gone
    afterwards. `environment` is at /env, `inputs` (a folder) at /inputs, both read-only. `results` is
    an existing file at /results, the only thing of the host that the command can write to. `env` is
    the whole environment besides what every sandbox sets. `setup` turns the network on, with what an
    installer needs of the host's configuration, and makes `environment` writable.
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

    `output` is stdout and stderr together, at most the limit. `reason` is empty unless the sandbox
    ended the command; `timed_out` says that its time was up. `exit_status` is 128 + n after signal n.
    """

    exit_status: int
    output: str
    timed_out: bool = False
    reason: str = ""
    seconds: float = 0.0


class Sandbox(Protocol):
    """Runs commands in isolation.

    `name` says what it is, for people; `interpreter` what an environment made in it depends on.
    """

    name: str
    interpreter: tuple[str, ...]

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; nothing of it survives, however it ends and also on cancellation.

        Raises TransientError when the sandbox itself cannot be started.
        """
        ...


def build_environment(own: Mapping[str, str], programs: Sequence[str]) -> dict[str, str]:
    """The environment of a command: an allow-list, the repository's `own`, and the way to our tools.

    `programs` are the folders to put in front of PATH. Raises UsageError for what cannot be a variable:
    a NUL would end one argument of a backend's command and begin another.
    """
    for name, value in own.items():
        if not name.isidentifier() or _UNUSABLE.search(value):
            raise UsageError(
                f"The setting 'sandbox.env' holds {name[:80]!r}, which cannot be a variable; correct its name or value."
            )
    path = own.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **own,
        "PATH": ":".join([*programs, path]),
        "PYTHONPATH": f"{TOOLS}:{own['PYTHONPATH']}" if "PYTHONPATH" in own else TOOLS,
    }
