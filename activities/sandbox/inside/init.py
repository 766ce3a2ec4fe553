"""The first process of a container: makes the work tree, waits at the door for one job and ends with it.

Standard input is the door and the lifeline: one line of JSON is the job, and the end of input, which also comes
when the worker dies, ends the container with every process in it. Standard output is the command's; standard
error is this process's own: a line of JSON when it is ready, and one more when the command has ended.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

# Isolated Python does not look for modules beside the script; last, so that none hides one of its own.
sys.path.append(str(Path(__file__).parent))
import launch  # type: ignore[import-not-found, unused-ignore]
import seccomp  # type: ignore[import-not-found, unused-ignore]

HOME = "/tmp/home"  # noqa: S108 - a file system of the sandbox's own
_PR_SET_DUMPABLE = 4
_MEMORY_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))


def main() -> None:
    """Serve one job."""
    # The first process of a namespace ignores every signal that it has no handler for.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    _hide(True)
    Path(HOME).mkdir(exist_ok=True)
    if not launch.work_tree():
        return
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _say({"ready": True})
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return
    child = _start(json.loads(line))
    while True:
        readable, _, _ = select.select([0, awake], [], [])
        if 0 in readable and not os.read(0, 4096):
            return
        if awake in readable:
            os.read(awake, 4096)
        status = _reap(child)
        if status is not None:
            _say({"exit": status, "starved": _starved()})
            return


def _start(job: dict[str, Any]) -> int:
    """Fork the command; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(1, 2)
        _hide(False)
        for path, text in job["files"].items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        launch.limit(*job["limits"])
        seccomp.install()
        os.environ.clear()
        os.environ.update(job["env"])
        launch.become(job["command"])
    except Exception as error:
        print(f"The command could not be started: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(126)


def _reap(child: int) -> int | None:
    """Collect what has ended; the exit status of `child` when it has."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                found = code if code >= 0 else 128 - code
    return found


def _hide(hidden: bool) -> None:
    """Keep the command from this process's memory and descriptors, though both have the same user."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(not hidden), 0, 0, 0)


def _starved() -> bool:
    """Whether the kernel ended a process because the memory of all together was used up."""
    for path in _MEMORY_EVENTS:
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill" and count.strip() != "0":
                    return True
    return False


def _say(message: dict[str, object]) -> None:
    os.write(2, json.dumps(message).encode() + b"\n")


main()
