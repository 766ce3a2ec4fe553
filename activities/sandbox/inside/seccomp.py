"""The seccomp filter of every sandbox: it refuses the system calls that escapes are made of and no test needs.

Refused are changes of mounts and namespaces, access to other processes, keys, BPF, io_uring, modules and clocks.
Sockets are refused outside of unix, IPv4, IPv6 and netlink: some families, such as vsock, ignore network namespaces.
"""

import ctypes
import os
import struct
from functools import cache

# Of <linux/seccomp.h>, <linux/filter.h>, <asm-generic/errno.h> and <sys/prctl.h>; offsets are in struct seccomp_data.
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
# On x86-64 the numbers from here on are the x32 ABI's: the same calls under other numbers.
_FOREIGN = 0x40000000
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_FAMILIES = (1, 2, 10, 16)

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
# The same calls, except iopl and ioperm, which ARM does not have.
_ARM = (
    *(40, 39, 41, 51, 97, 268, 265, 264, 262),
    *(117, 270, 271, 241, 282, 217, 218, 219, 280),
    *(105, 273, 106, 104, 294, 142, 116),
    *(224, 225, 89, 60, 58, 170, 112, 266, 171),
)
# By machine: its AUDIT_ARCH, the number of socket(), and the refused calls.
_MACHINES = {
    "x86_64": (0xC000003E, 41, _X86),
    "aarch64": (0xC00000B7, 198, _ARM),
}


@cache
def build_filter() -> bytes:
    """Return the filter for this machine as a BPF program, empty for a machine that is not known here."""
    if os.uname().machine not in _MACHINES:
        return b""
    architecture, socket, refused = _MACHINES[os.uname().machine]
    # An instruction is a code, how many to skip when its test holds and when it does not, and a constant.
    program = [
        # A call can also be made by the convention of another architecture, where its number means another call.
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
    ]
    for number in (*refused, *_COMMON):
        program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _EPERM)]
    program += [(_JUMP_EQUAL, 0, len(_FAMILIES) + 2, socket), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    program += [(_JUMP_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    program += [(_RETURN, 0, 0, _REFUSE | _EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def install() -> None:
    """Load the filter for this process and all that it starts; it must have given up new privileges."""
    program = build_filter()
    if not program:
        return
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions of 8 bytes and a pointer to them.
    described = struct.pack("H6xP", len(program) // 8, ctypes.addressof(buffer))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECCOMP, _MODE_FILTER, described, 0, 0):
        raise OSError(ctypes.get_errno(), "the seccomp filter was refused")
