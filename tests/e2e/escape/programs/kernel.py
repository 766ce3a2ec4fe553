"""The kernel: /proc, /sys, control groups, modules, clocks, shared memory."""

import ctypes
import os
import struct
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


@program
def settings_of_namespaces() -> None:
    """Change settings that a namespace of its own might let its owner change."""
    for name in (
        "kernel/ns_last_pid",
        "kernel/yama/ptrace_scope",
        "kernel/unprivileged_bpf_disabled",
        "kernel/perf_event_paranoid",
        "kernel/randomize_va_space",
        "user/max_user_namespaces",
        "net/ipv4/ip_forward",
        "net/ipv4/ping_group_range",
        "net/core/somaxconn",
        "vm/drop_caches",
        "fs/mqueue/msg_max",
        "fs/protected_symlinks",
    ):
        closed(name, write(f"/proc/sys/{name}"))


@program
def formats_of_programs() -> None:
    """Name an interpreter that the kernel runs for files of a kind, the host's too."""
    for name in ("register", "status"):
        closed(name, lambda name=name: Path(f"/proc/sys/fs/binfmt_misc/{name}").write_bytes(b":x:E::x::/work/x:F"))
    closed("mount it", lambda: call("mount", b"binfmt_misc", b"/mnt", b"binfmt_misc", 0, None))


@program
def freeze_the_group() -> None:
    for name in ("cgroup.freeze", "cgroup.kill", "cgroup.subtree_control", "freezer/freezer.state", "memory.oom.group"):
        closed(name, lambda name=name: os.open(f"/sys/fs/cgroup/{name}", os.O_WRONLY))
    for folder in ("memory", "pids", "cpu", "devices", "unified"):
        path = f"/sys/fs/cgroup/{folder}/cgroup.procs"
        closed(path, lambda path=path: os.open(path, os.O_WRONLY))


@program
def layout_of_memory() -> None:
    for name in ("kpageflags", "kpagecount", "kpagecgroup", "slabinfo", "vmallocinfo", "pagetypeinfo"):
        closed(name, read(f"/proc/{name}"))
    with open("/proc/self/pagemap", "rb") as file:
        file.seek(id(file) // 4096 * 8)
        (entry,) = struct.unpack("Q", file.read(8))
    never("physical addresses", entry & ((1 << 55) - 1))
    never("places of devices", [line for line in _lines("/proc/iomem") if int(line.split("-")[0], 16)])


@program
def tracing_and_firmware() -> None:
    for path in ("kernel/debug", "kernel/tracing", "kernel/security", "firmware/efi/efivars", "firmware/dmi", "fs/bpf"):
        never(path, _entries(f"/sys/{path}"))
    for path in ("/proc/acpi", "/proc/scsi"):
        never(path, _entries(path))
    closed("trace_marker", write("/sys/kernel/tracing/trace_marker"))


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


@program
def modules_of_the_kernel() -> None:
    name = ctypes.c_char_p(b"dummy")
    closed("delete_module", lambda: system(176 if _X86 else 106, name, 0))
    closed("kexec_file_load", lambda: system(320 if _X86 else 294, -1, -1, 0, name, 0))
    # The kernel loads a module for a file system or a family that it does not know yet.
    for kind in (b"hfsplus", b"reiserfs", b"ntfs3"):
        closed(f"mount {kind!r}", lambda kind=kind: call("mount", b"/work/x", b"/mnt", kind, 0, None))


@program
def ports_of_the_machine() -> None:
    if not _X86:
        never("there are none", False)
        return
    closed("iopl", lambda: call("iopl", 3))
    closed("ioperm", lambda: call("ioperm", 0x80, 1, 1))


@program
def load_filters() -> None:
    """Load programs of every kind that the kernel runs for a user."""
    # Commands 0 (make a map), 5 (load a program), 6 and 7 (pin, get), each with room for its arguments.
    for command in (0, 5, 6, 7):
        argument = ctypes.create_string_buffer(128)
        closed(f"bpf {command}", lambda c=command, a=argument: system(321 if _X86 else 280, c, a, 128))
    event = ctypes.create_string_buffer(struct.pack("IIQ", 1, 128, 0), 128)
    for process in (-1, 0, 1):
        cpu = 0 if process == -1 else -1
        closed(f"perf {process}", lambda p=process, c=cpu: system(298 if _X86 else 241, event, p, c, -1, 0))


@program
def semaphores_of_the_host() -> None:
    closed("by key", lambda: call("semget", BAIT["key"], 0, 0))
    for kind in ("sem", "msg"):
        never(f"{kind} is listed", len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) > 1)
    never("queues are listed", _entries("/dev/mqueue"))


@program
def namespaces_of_time() -> None:
    closed("a namespace of time", lambda: call("unshare", 0x80))
    closed("a namespace of groups", lambda: call("unshare", 0x2000000))
    for clock in ("monotonic", "boottime"):
        closed(clock, lambda clock=clock: Path("/proc/self/timens_offsets").write_text(f"{clock} 86400 0"))
    closed("an alarm that wakes the machine", lambda: call("timerfd_create", 9, 0))
