"""More rights than there are, and other processes."""

import ctypes
import os
import resource
import signal
import stat
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from doors import BAIT, call, closed, never, program, read, system

_NAMESPACES = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000, "net": 0x40000000}
_USER_NAMESPACE = 0x10000000


def status() -> dict[str, str]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@program
def become_root() -> None:
    for what, attempt in {
        "setuid": lambda: os.setuid(0),
        "setresuid": lambda: os.setresuid(0, 0, 0),
        "setgid": lambda: os.setgid(0),
        "setgroups": lambda: os.setgroups([0]),
    }.items():
        closed(what, attempt)
    never("is root", 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()))


@program
def setuid_programs() -> None:
    """Run the system's setuid programs, and one of our own."""
    programs = subprocess.run(
        ["find", "/usr", "/bin", "/sbin", "/work", "-xdev", "-perm", "/6000", "-type", "f"],
        capture_output=True,
        text=True,
    ).stdout.split()
    Path("/work/own").write_bytes(Path("/usr/bin/id").read_bytes())
    os.chmod("/work/own", 0o755)
    closed("make a setuid program", lambda: os.chmod("/work/own", 0o6755))
    for path in [*(path for path in programs if path.endswith(("/su", "/sudo", "/newgrp"))), "/work/own"]:
        ran = subprocess.run(
            [path, "-c", "id -u"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10
        )
        never(f"{path} gave root", ran.stdout.startswith(("0", "uid=0")))


# By name: its number on x86-64 and on ARM (-1: there is none), and its arguments.
_AT = -100
_MODE_CALLS = {
    "chmod": (90, -1, (b"own", 0o4755)),
    "fchmodat": (268, 53, (_AT, b"own", 0o2755)),
    "fchmodat2": (452, 452, (_AT, b"own", 0o4755, 0)),
    "creat": (85, -1, (b"new1", 0o4755)),
    "open": (2, -1, (b"new2", os.O_CREAT | os.O_WRONLY, 0o4755)),
    "openat": (257, 56, (_AT, b"new3", os.O_CREAT | os.O_WRONLY, 0o2755)),
    "openat of a file without a name": (257, 56, (_AT, b".", os.O_TMPFILE | os.O_WRONLY, 0o4755)),
    "openat2": (437, 437, (_AT, b"new4", struct.pack("QQQ", os.O_CREAT | os.O_WRONLY, 0o4755, 0), 24)),
    "mknod": (133, -1, (b"new5", 0o104755, 0)),
    "mknodat": (259, 33, (_AT, b"new6", 0o102755, 0)),
    "mkdir": (83, -1, (b"new7", 0o2755)),
    "mkdirat": (258, 34, (_AT, b"new8", 0o2755)),
}


def by_number(name: str) -> Callable[[], int]:
    x86, arm, arguments = _MODE_CALLS[name]
    number = x86 if os.uname().machine == "x86_64" else arm
    return lambda: system(number, *(ctypes.c_char_p(a) if isinstance(a, bytes) else a for a in arguments))


@program
def setuid_files() -> None:
    """Make files setuid or setgid by every call that sets a mode; the host could run what stays there."""
    for folder in filter(os.path.isdir, ("/work", "/tmp", "/env")):
        try:
            os.chdir(folder)
            Path("own").write_bytes(b"")
        except OSError:
            continue
        for name in _MODE_CALLS:
            closed(f"{name} in {folder}", by_number(name))
        with open("own") as file:
            closed(f"fchmod in {folder}", lambda file=file: os.fchmod(file.fileno(), 0o6755))
        never("a file is setuid", [path.name for path in Path().iterdir() if os.lstat(path).st_mode & 0o6000])


@program
def setuid_files_of_tools() -> None:
    """Make them as installers do: by an archive, by copying, by a umask of nothing."""
    os.umask(0)
    os.chdir("/work")
    Path("tool").write_bytes(b"")
    for words in (["chmod", "u+s", "tool"], ["chmod", "g+s", "."], ["install", "-m", "4755", "tool", "installed"]):
        subprocess.run(words, capture_output=True)
    with tarfile.open("a.tar", "w") as archive:
        member = tarfile.TarInfo("packed")
        member.mode = 0o6755
        archive.addfile(member)
    subprocess.run(["tar", "-xpf", "a.tar"], capture_output=True)
    never("a file is setuid", [str(path) for path in [Path(), *Path().iterdir()] if os.lstat(path).st_mode & 0o6000])


@program
def device_nodes() -> None:
    devices = {"memory": os.makedev(1, 1), "disk": os.makedev(8, 0), "whiteout": 0, "console": os.makedev(5, 1)}
    for kind in (stat.S_IFCHR, stat.S_IFBLK):
        for name, device in devices.items():
            for folder in ("/work", "/tmp"):
                path = f"{folder}/{name}{kind}"
                closed(f"make {path}", lambda path=path, kind=kind, device=device: os.mknod(path, kind | 0o666, device))


@program
def capabilities() -> None:
    own = status()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        never(name, int(own[name], 16))
    closed("raise an ambient capability", lambda: call("prctl", 47, 2, 21, 0, 0))


@program
def lift_the_filter() -> None:
    own = status()
    never("new privileges are possible", own["NoNewPrivs"] != "1")
    never("there is no seccomp filter", own["Seccomp"] != "2")
    closed("allow new privileges", lambda: call("prctl", 38, 0, 0, 0, 0))
    closed("turn seccomp off", lambda: call("prctl", 22, 0, 0, 0, 0))


@program
def new_user_namespace() -> None:
    closed("unshare", lambda: call("unshare", _USER_NAMESPACE))
    ran = subprocess.run(["unshare", "--user", "--map-root-user", "id", "-u"], capture_output=True, text=True)
    never("a shell of root", ran.returncode == 0)
    closed("write a map", lambda: Path("/proc/self/uid_map").write_text("0 0 1"))


@program
def new_namespaces() -> None:
    for name, flag in _NAMESPACES.items():
        closed(name, lambda flag=flag: call("unshare", flag))


@program
def clone_a_namespace() -> None:
    """Clone a child into a namespace of its own, by the system call that takes flags."""
    closed(
        "clone", lambda: system(56 if os.uname().machine == "x86_64" else 220, _USER_NAMESPACE | signal.SIGCHLD, 0, 0)
    )


@program
def enter_namespaces() -> None:
    for process in (1, os.getppid()):
        for name in ("mnt", "net", "pid", "user", "uts", "ipc"):

            def attempt(process: int = process, name: str = name) -> int:
                return call("setns", os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY), 0)

            closed(f"{name} of {process}", attempt)


@program
def mounts() -> None:
    for what, arguments in {
        "tmpfs": (b"x", b"/mnt", b"tmpfs", 0, None),
        "bind": (b"/", b"/mnt", None, 4096 | 16384, None),
        "proc": (b"proc", b"/mnt", b"proc", 0, None),
        "remount the root": (b"", b"/", None, 32, None),
        "cgroup": (b"x", b"/mnt", b"cgroup", 0, b"rdma"),
        "overlay": (b"x", b"/mnt", b"overlay", 0, b"lowerdir=/,upperdir=/tmp,workdir=/work"),
    }.items():
        closed(what, lambda arguments=arguments: call("mount", *arguments))
    for path in (b"/proc", b"/work", b"/tree"):
        closed(f"unmount {path!r}", lambda path=path: call("umount2", path, 2))


@program
def change_the_root() -> None:
    os.makedirs("/work/root/old", exist_ok=True)
    closed("chroot", lambda: os.chroot("/work/root"))
    number = 155 if os.uname().machine == "x86_64" else 41
    closed("pivot", lambda: system(number, ctypes.c_char_p(b"/work/root"), ctypes.c_char_p(b"/work/root/old")))


@program
def trace() -> None:
    for process in {1, os.getppid(), BAIT["process"]}:
        closed(f"attach to {process}", lambda process=process: call("ptrace", 16, process, None, None))
        closed(f"seize {process}", lambda process=process: call("ptrace", 0x4206, process, None, None))


@program
def read_the_memory_of_others() -> None:
    for process in (1, BAIT["process"]):
        # The first process of bubblewrap is one of the sandbox's, with nothing of the host in it.
        harmless = ("environ", "maps", "fd/0", "fdinfo/0") if process == 1 and _is_own(process) else ()
        for name in ("mem", "environ", "maps", "stack", "fd/0", "fdinfo/0"):
            if name not in harmless:
                closed(f"{name} of {process}", read(f"/proc/{process}/{name}"))
    number = 310 if os.uname().machine == "x86_64" else 270
    closed("process_vm_readv", lambda: system(number, 1, None, 0, None, 0, 0))


def _is_own(process: int) -> bool:
    """Return whether init is bubblewrap's own, which holds nothing of the host."""
    return b"bwrap" in Path(f"/proc/{process}/cmdline").read_bytes()


@program
def signal_others() -> None:
    closed("the host's process", lambda: os.kill(BAIT["process"], 0))
    closed("its descriptor", lambda: os.pidfd_open(BAIT["process"]))
    os.kill(1, signal.SIGKILL)
    os.kill(1, signal.SIGSTOP)
    never("ended the first process", not os.path.exists("/proc/1"))


@program
def see_others() -> None:
    lines = b""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        for part in ("cmdline", "environ"):
            try:
                lines += Path(f"/proc/{name}/{part}").read_bytes()
            except OSError:
                continue
    never("the secret of the host is in a process", BAIT["word"].encode() in lines)
    never("a process of the host is seen", os.path.exists(f"/proc/{BAIT['process']}/cmdline"))


@program
def secrets_in_the_environment() -> None:
    never("the secret of the host", BAIT["word"] in str(dict(os.environ)))
    marks = ("TOKEN", "SECRET", "PASSWORD", "AWS_", "API_KEY", "SSH_", "DOCKER_", "HYDRA_DATABASE")
    never("names of secrets", [name for name in os.environ if any(mark in name for mark in marks)])


@program
def raise_limits() -> None:
    for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_CORE"):
        kind = getattr(resource, name)
        closed(name, lambda kind=kind: resource.setrlimit(kind, (2**40, 2**40)) or resource.getrlimit(kind))
    closed("priority", lambda: os.nice(-10))
    closed("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
    closed("of the first process", lambda: resource.prlimit(BAIT["process"], resource.RLIMIT_NOFILE, (1, 1)))


@program
def be_spared_when_memory_is_low() -> None:
    closed("oom_score_adj", lambda: Path("/proc/self/oom_score_adj").write_text("-1000"))


@program
def set_capabilities() -> None:
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))
    for bits in (0xFFFFFFFF, 1 << 21, 1 << 1):
        sets = ctypes.create_string_buffer(struct.pack("6I", *[bits] * 6))
        closed(f"capset {bits:x}", lambda sets=sets: call("capset", header, sets))
    # PR_SET_SECUREBITS and PR_CAPBSET_DROP.
    closed("security bits", lambda: call("prctl", 28, 0x2F, 0, 0, 0))
    closed("bounding set", lambda: call("prctl", 24, 21, 0, 0, 0))


@program
def identity_for_files() -> None:
    """Take root's identity for files alone."""
    for name in ("setfsuid", "setfsgid"):
        call(name, 0)
        never(name, call(name, 2**31 - 1) == 0)
    for what, attempt in {
        "setreuid": lambda: os.setreuid(0, 0),
        "setregid": lambda: os.setregid(0, 0),
        "initgroups": lambda: os.initgroups("root", 0),
    }.items():
        closed(what, attempt)


@program
def tools_of_the_administrator() -> None:
    for line in (
        "mount -t tmpfs x /mnt",
        "umount -l /proc",
        "sudo -n id",
        "pkexec --disable-internal-agent id",
        "nsenter -t 1 -m -u -n -i true",
        "fusermount3 -u /work",
        "ip link add x type dummy",
        "sysctl -w kernel.hostname=x",
        "crontab -r",
        "losetup -f /work/x",
    ):
        try:
            ran = subprocess.run(line.split(), stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"held: {line} ({error})", flush=True)
        else:
            never(line, ran.returncode == 0)


@program
def clone_into_a_namespace() -> None:
    """Clone by the call whose flags lie in memory, where a filter cannot see them."""
    for flags in (_USER_NAMESPACE, _USER_NAMESPACE | _NAMESPACES["mount"], _NAMESPACES["net"], _NAMESPACES["pid"]):
        arguments = ctypes.create_string_buffer(struct.pack("11Q", flags, 0, 0, 0, signal.SIGCHLD, *[0] * 6))
        closed(f"clone3 {flags:x}", lambda arguments=arguments: _clone(arguments))


def _clone(arguments: ctypes.Array[ctypes.c_char]) -> int:
    child = system(435, arguments, 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@program
def descriptors_of_others() -> None:
    """Take a descriptor out of another process."""
    for process in {1, os.getppid(), BAIT["process"]}:

        def take(process: int = process) -> int:
            return system(438, os.pidfd_open(process), 0, 0)

        if process != os.getppid():
            closed(f"take one of {process}", take)
        closed(f"open one of {process}", lambda process=process: os.open(f"/proc/{process}/fd/255", os.O_RDWR))
    closed("compare", lambda: system(312 if os.uname().machine == "x86_64" else 272, BAIT["process"], 1, 0, 0, 0))


@program
def scheduling_of_others() -> None:
    process = BAIT["process"]
    closed("priority", lambda: os.setpriority(os.PRIO_PROCESS, process, 19))
    closed("processors", lambda: os.sched_setaffinity(process, {0}))
    closed("policy", lambda: os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0)))
    closed("of the disk", lambda: system(251 if os.uname().machine == "x86_64" else 30, 1, process, 3 << 13))
    closed("of all users", lambda: os.setpriority(os.PRIO_USER, 0, -5))


@program
def write_the_memory_of_others() -> None:
    for process in (1, BAIT["process"]):
        for name in ("mem", "clear_refs", "oom_score_adj", "coredump_filter", "comm", "uid_map", "setgroups"):
            if not (process == 1 and _is_own(process)):
                path = f"/proc/{process}/{name}"
                closed(f"{name} of {process}", lambda path=path: os.open(path, os.O_WRONLY))
    number = 311 if os.uname().machine == "x86_64" else 271
    closed("process_vm_writev", lambda: system(number, BAIT["process"], None, 0, None, 0, 0))


_TRIES_32 = {"chmod": (15, b"/work/own\0", 0o4755), "unshare": (310, b"", _USER_NAMESPACE), "setuid": (213, b"", 0)}
_CALL_32 = """
import ctypes, mmap, struct, sys
number, path, value = int(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
first, second = (address + 100, value) if path else (value, 0)
# push rbx; mov eax, number; mov ebx, first; mov ecx, second; int 0x80; pop rbx; ret
code = b"\\x53\\xb8" + struct.pack("<I", number) + b"\\xbb" + struct.pack("<I", first)
code += b"\\xb9" + struct.pack("<I", second) + b"\\xcd\\x80\\x5b\\xc3"
ctypes.memmove(address, code, len(code))
ctypes.memmove(address + 100, path, len(path))
print(ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"""


@program
def calls_of_32_bits() -> None:
    """Make system calls by the numbers of another architecture, which a filter may not know."""
    Path("/work/own").write_bytes(b"")
    if os.uname().machine != "x86_64":
        never("there is no other architecture", False)
        return
    for name, (number, path, value) in _TRIES_32.items():
        command = [sys.executable, "-c", _CALL_32, str(number), path.hex(), str(value)]
        ran = subprocess.run(command, capture_output=True, text=True)
        never(f"{name} by int 0x80", ran.returncode == 0 and int(ran.stdout) == 0)
    never("a file is setuid", os.stat("/work/own").st_mode & 0o6000)


@program
def calls_of_x32() -> None:
    """Make the calls of a third architecture, by a bit in their numbers."""
    Path("/work/own").write_bytes(b"")
    path = ctypes.c_char_p(b"/work/own")
    for name, (number, arguments) in {
        "chmod": (90, (path, 0o4755)),
        "unshare": (272, (_USER_NAMESPACE,)),
        "mount": (165, (path, path, path, 0, None)),
        "setuid": (105, (0,)),
    }.items():
        closed(name, lambda number=number, arguments=arguments: system(number | 0x40000000, *arguments))
    never("a file is setuid", os.stat("/work/own").st_mode & 0o6000)
