"""The kernel: /proc, /sys, control groups, modules, clocks, shared memory."""

import ctypes
import os
import time
from pathlib import Path

from doors import BAIT, call, closed, never, program, read, system, write

_X86 = os.uname().machine == "x86_64"


@program
def settings_of_the_kernel() -> None:
    for name in (
        "kernel/core_pattern",
        "kernel/modprobe",
        "kernel/hostname",
        "vm/overcommit_memory",
        "fs/suid_dumpable",
    ):
        closed(name, write(f"/proc/sys/{name}"))
    for name in ("sysrq-trigger", "irq/default_smp_affinity", "bus/pci/devices"):
        closed(name, write(f"/proc/{name}"))


@program
def settings_in_sys() -> None:
    for name in ("kernel/uevent_helper", "kernel/mm/transparent_hugepage/enabled", "power/state", "module/x"):
        closed(name, write(f"/sys/{name}"))
    closed("make a folder", lambda: os.mkdir("/sys/fs/cgroup/own"))


@program
def release_agent() -> None:
    """Name a program that the kernel runs on the host when a control group is empty."""
    for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/rdma", "/sys/fs/cgroup/cpu"):
        closed(f"{folder}/release_agent", write(f"{folder}/release_agent"))
        closed(f"{folder}/notify_on_release", write(f"{folder}/notify_on_release"))
        closed(f"{folder}/own", lambda folder=folder: os.mkdir(f"{folder}/own"))


@program
def raise_the_limits_of_the_group() -> None:
    for name in ("memory/memory.limit_in_bytes", "memory.max", "pids/pids.max", "pids.max", "cpu/cpu.cfs_quota_us"):
        closed(name, lambda name=name: os.open(f"/sys/fs/cgroup/{name}", os.O_WRONLY))
    closed("leave the group", lambda: os.open("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY))


@program
def memory_of_the_kernel() -> None:
    never("kcore has content", _some("/proc/kcore"))
    never("addresses of the kernel", any(int(line.split()[0], 16) for line in _lines("/proc/kallsyms")))
    closed("its log", lambda: call("klogctl", 3, ctypes.create_string_buffer(1000), 1000))
    closed("kmsg", read("/proc/kmsg"))


def _some(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(16)
    except OSError:
        return b""


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return [file.readline() for _ in range(5)]
    except OSError:
        return []


@program
def load_code_into_the_kernel() -> None:
    for what, number in {
        "init_module": 175 if _X86 else 105,
        "finit_module": 313 if _X86 else 273,
        "kexec_load": 246 if _X86 else 104,
        "bpf": 321 if _X86 else 280,
        "perf_event_open": 298 if _X86 else 241,
        "userfaultfd": 323 if _X86 else 282,
        "io_uring_setup": 425,
    }.items():
        closed(what, lambda number=number: system(number, 0, None, 0, 0, 0))


@program
def keys_of_others() -> None:
    """Read the kernel's keys, which ignore namespaces."""
    add, keyctl = (248, 250) if _X86 else (217, 219)
    closed("add", lambda: system(add, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"k"), ctypes.c_char_p(b"v"), 1, -4))
    closed("session", lambda: system(keyctl, 0, -3, 1))


@program
def set_the_clock() -> None:
    now = time.time()
    closed("clock_settime", lambda: time.clock_settime(time.CLOCK_REALTIME, now - 3600))
    number = 164 if _X86 else 170
    closed("settimeofday", lambda: system(number, ctypes.create_string_buffer(16), None))
    closed("adjtimex", lambda: call("adjtimex", ctypes.create_string_buffer(b"\x01\0\0\0", 208)))


@program
def set_the_name_of_the_host() -> None:
    closed("name", lambda: call("sethostname", b"own", 3))
    closed("domain", lambda: call("setdomainname", b"own", 3))


@program
def shared_memory_of_the_host() -> None:
    closed("by path", read(f"/dev/shm/{BAIT['shared']}"))
    closed("by key", lambda: call("shmget", BAIT["key"], 0, 0))
    never("segments are listed", len(Path("/proc/sysvipc/shm").read_text().splitlines()) > 1)
    closed("queue", lambda: call("msgget", BAIT["key"], 0))


@program
def put_words_into_a_terminal() -> None:
    """Type into the terminal outside, whose shell would run it."""
    closed("open the terminal", lambda: os.open("/dev/tty", os.O_RDWR))
    for descriptor in range(3):
        closed(f"type into {descriptor}", lambda descriptor=descriptor: call("ioctl", descriptor, 0x5412, b"x"))


@program
def swap_and_accounting() -> None:
    closed("swapon", lambda: call("swapon", b"/work/x", 0))
    closed("acct", lambda: call("acct", b"/work/x"))
    closed("reboot", lambda: system(169 if _X86 else 142, 0xFEE1DEAD, 672274793, 0x89ABCDEF, None))
    closed("vhangup", lambda: call("vhangup"))
