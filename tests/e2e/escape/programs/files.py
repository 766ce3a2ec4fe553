"""Files of the host, of other runs and of the sandbox itself."""

import ctypes
import os
import stat
import zipfile
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
    """Unpack ten files of 100 MB from some KB."""
    with zipfile.ZipFile("/work/bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(10):
            with bomb.open(f"{number}.bin", "w") as member:
                for _ in range(100):
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
