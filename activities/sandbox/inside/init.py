"""The init of a container: fills the work tree, waits for one job, runs it and ends with it.

Standard input is the lifeline. One line of JSON is the job; the end of input, which also comes when the worker dies,
ends the container with every process in it. Standard output is the command's, and so is standard error until the
command has ended. Before and after, it is init's: a line of JSON when it is ready, and the job's mark with one more at
the end. Only init knows the mark.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any

# Isolated Python does not look for modules beside the script; last, so that none hides one of the library's.
sys.path.append(str(Path(__file__).parent))
import seccomp  # type: ignore[import-not-found, unused-ignore]

TREE = "/tree"
WORK = "/work"
GENERATED = "/generated"
HOME = "/tmp/home"  # noqa: S108 - a tmpfs of the sandbox's own
# Of version 2 of cgroups, and of version 1.
MEMORY_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
# Of <sys/prctl.h>.
_PR_SET_DUMPABLE = 4


def main() -> None:
    """Serve one job."""
    # The kernel drops every signal to an init that has no handler for it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    _set_dumpable(False)
    Path(HOME).mkdir(exist_ok=True)
    if not _fill_work_tree():
        return
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _report({"ready": True})
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return
    job = json.loads(line)
    child = _start(job)
    while True:
        readable, _, _ = select.select([0, awake], [], [])
        if 0 in readable and not os.read(0, 4096):
            return
        if awake in readable:
            os.read(awake, 4096)
        status = _reap(child)
        if status is not None:
            _kill_others()
            _report({"exit": status, "oom_killed": _is_oom_killed()}, job["mark"])
            return


def _fill_work_tree() -> bool:
    if os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", f"{TREE}/.", WORK]):  # noqa: S606
        return False
    if Path(GENERATED).is_dir():
        os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", "-n", f"{GENERATED}/.", WORK])  # noqa: S606
    return True


def _start(job: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # The command does not get the lifeline.
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        _set_dumpable(True)
        for path, text in job["files"].items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        _limit(*job["limits"])
        seccomp.install()
        os.environ.clear()
        os.environ.update(job["env"])
        _exec(job["command"])
    except Exception as error:
        print(f"The command could not be started: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(126)


def _limit(data: int, file: int, address: int) -> None:
    # When the machine runs out of memory, the kernel kills a sandbox before anything else.
    Path("/proc/self/oom_score_adj").write_text("1000")
    # RLIMIT_DATA counts the memory that is really asked for. Runtimes reserve address space freely, so RLIMIT_AS
    # is wider and only bounds shared mappings. The container itself bounds everything else.
    wanted = {resource.RLIMIT_DATA: data, resource.RLIMIT_AS: address, resource.RLIMIT_FSIZE: file}
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


def _exec(command: list[str]) -> None:
    os.closerange(3, 256)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        # What a shell returns for a command that does not exist.
        os._exit(127)


def _reap(child: int) -> int | None:
    status = None
    # An init inherits orphans: their exit is collected too, or they would stay zombies and count as processes.
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                status = code if code >= 0 else 128 - code
    return status


def _set_dumpable(dumpable: bool) -> None:
    # The command runs as the same user: a process that is not dumpable hides its memory and descriptors from it.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def _is_oom_killed() -> bool:
    for path in MEMORY_EVENTS:
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill" and count.strip() != "0":
                    return True
    return False


def _kill_others() -> None:
    # They would end with init. What they print until then is not to stand in the way of its report.
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    # The command shares this pipe, and some programs make theirs not block.
    os.set_blocking(2, True)


def _report(message: dict[str, object], mark: str = "") -> None:
    os.write(2, f"{mark}{json.dumps(message)}\n".encode())


main()
