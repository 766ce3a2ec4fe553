"""A seccomp filter, the same in every sandbox: what no test needs and escapes are made of is refused.

Refused are changes of mounts and namespaces, looking into other processes, keys, BPF, io_uring, modules, clocks,
and sockets of all families but unix, IPv4, IPv6 and netlink: some, such as vsock, know no network namespaces.
"""

import ctypes
import os
import struct
from functools import cache

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
# System calls above are those of another calling convention.
_FOREIGN = 0x40000000
_FAMILIES = (1, 2, 10, 16)
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

# io_uring_*, open_tree, move_mount, fs*, pidfd_getfd, mount_setattr: the same number everywhere.
_COMMON = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)
_X86 = (
    # mount, umount2, pivot_root, chroot, unshare, setns, open_by_handle_at, name_to_handle_at, fanotify_init
    *(165, 166, 155, 161, 272, 308, 304, 303, 300),
    # ptrace, process_vm_readv, process_vm_writev, perf_event_open, userfaultfd, add_key, request_key, keyctl, bpf
    *(101, 310, 311, 298, 323, 248, 249, 250, 321),
    # init_module, finit_module, delete_module, kexec_load, kexec_file_load, reboot, syslog; and iopl, ioperm
    *(175, 313, 176, 246, 320, 169, 103, 172, 173),
    # swapon, swapoff, acct, quotactl, vhangup, settimeofday, clock_settime, clock_adjtime, adjtimex
    *(167, 168, 163, 179, 153, 164, 227, 305, 159),
)
# The same, but for the last two of the third line.
_ARM = (
    *(40, 39, 41, 51, 97, 268, 265, 264, 262),
    *(117, 270, 271, 241, 282, 217, 218, 219, 280),
    *(105, 273, 106, 104, 294, 142, 116),
    *(224, 225, 89, 60, 58, 170, 112, 266, 171),
)
# By machine: its number for auditing, socket(), and what is refused there.
_MACHINES = {
    "x86_64": (0xC000003E, 41, _X86),
    "aarch64": (0xC00000B7, 198, _ARM),
}


@cache
def program() -> bytes:
    """The filter for this machine as the kernel reads it; empty for a machine that is not known here."""
    if os.uname().machine not in _MACHINES:
        return b""
    architecture, socket, refused = _MACHINES[os.uname().machine]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
    ]
    for number in (*refused, *_COMMON):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _EPERM)]
    steps += [(_EQUAL, 0, len(_FAMILIES) + 2, socket), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    steps += [(_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    steps += [(_RETURN, 0, 0, _REFUSE | _EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def install() -> None:
    """Bind this process, which has given up new privileges, and all that it starts to the filter."""
    steps = program()
    if not steps:
        return
    held = ctypes.create_string_buffer(steps, len(steps))
    described = struct.pack("H6xP", len(steps) // 8, ctypes.addressof(held))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECCOMP, _MODE_FILTER, described, 0, 0):
        raise OSError(ctypes.get_errno(), "the seccomp filter was refused")
