"""The seccomp filter of every sandbox: it refuses the system calls that escapes are made of and no test needs.

Refused are changes of mounts and namespaces, access to other processes, keys, BPF, io_uring, modules and clocks.
Sockets are refused outside of unix, IPv4, IPv6 and netlink: some families, such as vsock, ignore network namespaces.
No file is made or changed to be setuid or setgid, and no device node is made: what a sandbox leaves on the host could
be run there with the rights of its owner.
"""

import ctypes
import os
import struct
from functools import cache

# Of <linux/seccomp.h>, <linux/filter.h>, <asm-generic/errno.h> and <sys/prctl.h>; offsets are in struct seccomp_data.
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
# On x86-64 the numbers from here on are the x32 ABI's: the same calls under other numbers.
_FOREIGN = 0x40000000
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_FAMILIES = (1, 2, 10, 16)

# Of <linux/stat.h> and <fcntl.h>: setuid and setgid, the bits of the type, character and block devices, and the flags
# with which an open makes a file, the second without its O_DIRECTORY.
_SET_ID, _TYPE, _DEVICES = 0o6000, 0o170000, (0o020000, 0o060000)
_CREATE = 0o100 | 0o20000000
# The filter cannot read what its argument points to; programs try openat again where it does not exist.
_OPENAT2 = 437

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
# Calls that give a file its mode: the place of that argument by number. fchmodat2 has the same number everywhere.
_X86_MODES = {
    # chmod, fchmod, fchmodat, fchmodat2, mkdir, mkdirat, creat
    **{90: 1, 91: 1, 268: 2, 452: 2, 83: 1, 258: 2, 85: 1},
    # mknod, mknodat
    **{133: 1, 259: 2},
}
_ARM_MODES = {52: 1, 53: 2, 452: 2, 34: 2, 33: 2}
# open and openat: the places of the flags; the mode follows.
_X86_OPENS = {2: 1, 257: 2}
_ARM_OPENS = {56: 2}
# By machine: its AUDIT_ARCH, the number of socket(), the refused calls, and those whose modes are looked at.
_MACHINES = {
    "x86_64": (0xC000003E, 41, _X86, _X86_MODES, _X86_OPENS),
    "aarch64": (0xC00000B7, 198, _ARM, _ARM_MODES, _ARM_OPENS),
}


# Its code, how many to skip when its test holds and when it does not, and a constant.
_Instruction = tuple[int, int, int, int]


@cache
def build_filter() -> bytes:
    """Return the filter for this machine as a BPF program, empty for a machine that is not known here."""
    if os.uname().machine not in _MACHINES:
        return b""
    return compile_filter(os.uname().machine)


def compile_filter(machine: str) -> bytes:
    """Return the filter for a machine that is known here as a BPF program."""
    architecture, socket, refused, modes, opens = _MACHINES[machine]
    program: list[_Instruction] = [
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
    program += [(_JUMP_EQUAL, 0, 1, _OPENAT2), (_RETURN, 0, 0, _REFUSE | _ENOSYS)]
    for number, place in modes.items():
        program += _guard_call(number, _check_mode(place))
    for number, place in opens.items():
        # Without these flags the mode means nothing, and a caller may leave anything there.
        makes_a_file = [(_LOAD, 0, 0, _argument(place)), (_JUMP_ANY_BIT, 1, 0, _CREATE), (_RETURN, 0, 0, _ALLOW)]
        program += _guard_call(number, [*makes_a_file, *_check_mode(place + 1)])
    program += [(_JUMP_EQUAL, 0, len(_FAMILIES) + 2, socket), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    program += [(_JUMP_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    program += [(_RETURN, 0, 0, _REFUSE | _EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _guard_call(number: int, checks: list[_Instruction]) -> list[_Instruction]:
    return [(_JUMP_EQUAL, 0, len(checks), number), *checks]


def _check_mode(place: int) -> list[_Instruction]:
    # The type of a file that is not made by mknod is ignored by the kernel, and never that of a device.
    return [
        (_LOAD, 0, 0, _argument(place)),
        (_JUMP_ANY_BIT, 4, 0, _SET_ID),
        (_AND, 0, 0, _TYPE),
        *((_JUMP_EQUAL, 2 - index, 0, device) for index, device in enumerate(_DEVICES)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
    ]


def _argument(place: int) -> int:
    # Both machines are little-endian, so this is the lower half of an argument; the kernel ignores the upper one.
    return _FIRST_ARGUMENT + 8 * place


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
