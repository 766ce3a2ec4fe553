"""The filter for both machines, interpreted as the kernel does: one of them is not the one that runs the tests."""

import errno
import os
import struct

import pytest

from activities.sandbox.inside.seccomp import compile_filter

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED = 0
CREATE, TEMPORARY = os.O_CREAT, 0o20000000


def run(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Return the error with which the filter refuses a call, 0 when it lets it through."""
    program = compile_filter(machine)
    padded = [argument & (1 << 64) - 1 for argument in (*arguments, 0, 0, 0, 0, 0, 0)][:6]
    data = struct.pack("IIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *padded)
    place, accumulator = 0, 0
    while True:
        code, holds, fails, constant = struct.unpack_from("HBBI", program, 8 * place)
        place += 1
        if code == 0x06:
            return 0 if constant == 0x7FFF0000 else constant & 0xFFFF
        if code == 0x20:
            (accumulator,) = struct.unpack_from("I", data, constant)
        elif code == 0x54:
            accumulator &= constant
        else:
            test = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}[code]
            place += holds if test else fails


X86 = {"chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "mkdir": 83, "mkdirat": 258, "creat": 85}
ARM = {"fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "mkdirat": 34}
MODE_CALLS = [("x86_64", name, number) for name, number in X86.items()]
MODE_CALLS += [("aarch64", name, number) for name, number in ARM.items()]


@pytest.mark.parametrize(("machine", "name", "number"), MODE_CALLS)
def test_no_call_sets_setuid_or_setgid(machine: str, name: str, number: int) -> None:
    before = (-100, 7) if name in ("fchmodat", "fchmodat2", "mkdirat") else (7,)
    for mode in (0o4755, 0o2755, 0o6000, 0o7777):
        assert run(machine, number, *before, mode) == errno.EPERM
        # The kernel ignores the upper half of the argument.
        assert run(machine, number, *before, mode | 1 << 40) == errno.EPERM
    for mode in (0o755, 0o1777, 0):
        assert run(machine, number, *before, mode) == ALLOWED


@pytest.mark.parametrize(("machine", "number", "before"), [("x86_64", 2, 1), ("x86_64", 257, 2), ("aarch64", 56, 2)])
def test_no_open_makes_a_setuid_file(machine: str, number: int, before: int) -> None:
    path = (7,) * before
    for flags in (CREATE, CREATE | os.O_WRONLY, TEMPORARY | os.O_DIRECTORY | os.O_RDWR):
        assert run(machine, number, *path, flags, 0o4644) == errno.EPERM
        assert run(machine, number, *path, flags, 0o644) == ALLOWED
    # Without a flag that makes a file the mode is whatever the caller left there.
    assert run(machine, number, *path, os.O_RDONLY, 0o4644) == ALLOWED


@pytest.mark.parametrize(("machine", "number", "before"), [("x86_64", 133, 1), ("x86_64", 259, 2), ("aarch64", 33, 2)])
def test_no_device_node_is_made(machine: str, number: int, before: int) -> None:
    path = (7,) * before
    for mode in (0o020666, 0o060600, 0o020000, 0o104755):
        assert run(machine, number, *path, mode) == errno.EPERM
    for mode in (0o100644, 0o644, 0o010644, 0o140755):
        assert run(machine, number, *path, mode) == ALLOWED


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_calls_that_the_filter_cannot_read_do_not_exist(machine: str) -> None:
    assert run(machine, 437) == errno.ENOSYS
    assert run(machine, 0x40000000 | 90, 7, 0o4755) == errno.ENOSYS
    assert run(machine, 15, 7, 0o4755, architecture=0x40000003) == errno.ENOSYS


@pytest.mark.parametrize(("machine", "socket"), [("x86_64", 41), ("aarch64", 198)])
def test_sockets_of_other_families_do_not_exist(machine: str, socket: int) -> None:
    assert [run(machine, socket, family) for family in (1, 2, 10, 16)] == [ALLOWED] * 4
    assert run(machine, socket, 40) == errno.EAFNOSUPPORT
    assert run(machine, socket + 1, 3) == ALLOWED
