"""Programs that use up a resource: each is stopped at its limit, for a reason that is reported."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.protocol import Sandbox
from tests.e2e.escape.conftest import Prison

FORK_BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
"""
THREAD_BOMB = """
import threading
started = 0
try:
    while True:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        started += 1
except RuntimeError:
    print("stopped at", started, flush=True)
    import os; os._exit(3)
"""
MEMORY = """
import os
for _ in range(8):
    if not os.fork():
        held = [bytearray(os.urandom(1 << 20)) for _ in range(100)]
        os.read(os.pipe()[0], 1)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]) != 0)
"""
DISK = """
with open("{folder}/large", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
"""
FILES = """
import os
number = 0
while True:
    with open(f"{folder}/{{number % 100}}-{{number}}", "wb") as file:
        for _ in range(20):
            file.write(bytes(1 << 20))
    number += 1
"""
INODES = """
import os
number = 0
while True:
    os.mknod(f"/tmp/{number}")
    number += 1
"""
DESCRIPTORS = """
import os
while True:
    os.pipe()
"""
RESULTS = """
with open("/results", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
"""
DEEP = """
import os
while True:
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
"""
BYTES = "import os\nwhile True: os.write(2, b'\\0\\xff\\x1b[2J')"
# A process can disable every clock of its own, so its time is measured outside.
CLOCK = """
import os, signal, time
time.time = time.monotonic = lambda: 0.0
for clock in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
    signal.setitimer(clock, 0)
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_IGN)
os.setsid() if os.getpid() != os.getsid(0) else None
while True:
    pass
"""
STOPPED = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
SURVIVORS = """
import os, signal, sys, time
for _ in range(20):
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        time.sleep(100000)
print("parent")
"""


def processes() -> set[int]:
    """Return the hostile processes that are alive."""
    alive = set()
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and "hydra-hostile" in " ".join(words):
            alive.add(process.pid)
    return alive


@pytest.fixture(autouse=True)
def _host_as_before() -> Iterator[None]:
    free, memory = shutil.disk_usage("/tmp").free, psutil.virtual_memory().available
    yield
    assert processes() == set()
    assert shutil.disk_usage("/tmp").free > free - (1 << 30)
    assert psutil.virtual_memory().available > memory - (2 << 30)


def program(code: str) -> tuple[str, ...]:
    return ("python3", "-c", f"# hydra-hostile\n{code}")


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        (FORK_BOMB, {"seconds": 4}, "timed out after 4 s"),
        (CLOCK, {"seconds": 2}, "timed out after 2 s"),
        (STOPPED, {"seconds": 2}, "timed out after 2 s"),
        (MEMORY, {}, "used more than 256 MB of memory"),
        ("while True: print('x' * 1000)", {"output_kb": 64, "seconds": 3}, "timed out after 3 s"),
        (BYTES, {"output_kb": 64, "seconds": 3}, "timed out after 3 s"),
    ],
    ids=["fork bomb", "clock", "stopped", "memory of many", "output", "bytes"],
)
async def test_a_flood_is_stopped_for_a_reason(
    prison: Prison, tmp_path: Path, code: str, limits: dict[str, Any], reason: str
) -> None:
    tree = tmp_path / "empty"
    tree.mkdir()
    done = await prison.run(program(code), tree=tree, **limits)
    assert done.reason == reason
    assert done.exit_status != 0
    # The host holds no more of an output than the limit, and a line about the rest.
    assert len(done.output) <= limits.get("output_kb", 64) * 1024 + 100


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (DISK.format(folder="/work"), "File too large"),
        (FILES.format(folder="/work"), "No space left on device"),
        (FILES.format(folder="/tmp"), "No space left on device"),
        (FILES.format(folder="/dev/shm"), "No space left on device"),
        (DESCRIPTORS, "Too many open files"),
        (RESULTS, "File too large"),
        ("bytearray(1 << 30)", "MemoryError"),
        ("import mmap; mmap.mmap(-1, 2 << 30)", "Cannot allocate memory"),
        (THREAD_BOMB, "stopped at"),
    ],
    ids=["file", "work", "tmp", "shared memory", "descriptors", "record", "memory", "mappings", "threads"],
)
async def test_a_flood_meets_its_limit(prison: Prison, tmp_path: Path, code: str, message: str) -> None:
    tree = tmp_path / "empty"
    tree.mkdir()
    done = await prison.run(program(code), tree=tree, seconds=60, memory_mb=512)
    assert message in done.output or done.reason == "used more than 512 MB of memory"
    assert done.exit_status != 0


@pytest.mark.parametrize("code", [INODES, DEEP], ids=["inodes", "depth"])
async def test_names_cost_memory_and_are_bounded(prison: Prison, tmp_path: Path, code: str) -> None:
    """Names take kernel memory: they are refused, or the memory limit ends the program."""
    tree = tmp_path / "empty"
    tree.mkdir()
    done = await prison.run(program(code), tree=tree, seconds=20, memory_mb=64)
    bounded = ("No space left on device", "Cannot allocate memory", "File name too long")
    reasons = ("used more than 64 MB of memory", "timed out after 20 s")
    assert done.reason in reasons or any(words in done.output for words in bounded)


async def test_processes_without_a_parent_end(prison: Prison, tmp_path: Path) -> None:
    tree = tmp_path / "empty"
    tree.mkdir()
    done = await prison.run(program(SURVIVORS), tree=tree)
    assert (done.exit_status, done.output) == (0, "parent\n")
    assert processes() == set()


async def test_the_record_on_the_host_is_bounded(prison: Prison, tmp_path: Path) -> None:
    tree = tmp_path / "empty"
    tree.mkdir()
    await prison.run(program(RESULTS), tree=tree, file_mb=8)
    (record,) = prison.folder.glob("results*")
    assert record.stat().st_size <= 8 << 20


async def test_limits_hold_for_all_processes_together(prison: Prison, sandbox: Sandbox, tmp_path: Path) -> None:
    """The control group counts processors and processes, also when HydraNet runs as root."""
    tree = tmp_path / "empty"
    tree.mkdir()
    if isinstance(sandbox, Bubblewrap) and "cgroup limits" not in sandbox.name:
        pytest.skip(f"no control groups here: {sandbox.name}")
    code = "import os\nwhile True: os.fork() or os.read(os.pipe()[0], 1)"
    done = await prison.run(program(code), tree=tree, processes=16)
    assert "Resource temporarily unavailable" in done.output
