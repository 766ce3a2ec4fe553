"""What every hostile program is made of: doors that it tries, of which each has to be closed.

The programs run inside, with nothing but the standard library. What the host has set up as bait is in /inputs.
"""

import ctypes
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

BAIT: dict[str, Any] = json.loads(Path(os.environ.get("BAIT", "/inputs/bait.json")).read_text())
PROGRAMS: dict[str, Callable[[], None]] = {}

_libc = ctypes.CDLL(None, use_errno=True)


def program(function: Callable[[], None]) -> Callable[[], None]:
    PROGRAMS[function.__name__] = function
    return function


def closed(what: str, attempt: Callable[[], Any]) -> None:
    """Try a door: an error says that it is closed, anything that comes back says that it is not."""
    try:
        found = attempt()
    except (OSError, ValueError) as error:
        print(f"held: {what} ({getattr(error, 'strerror', None) or error})", flush=True)
    else:
        print(f"ESCAPED: {what}: {str(found)[:200]!r}", flush=True)


def never(what: str, happened: Any) -> None:
    """Say that something is not so."""
    print(f"ESCAPED: {what}: {str(happened)[:200]!r}" if happened else f"held: {what}", flush=True)


def call(name: str, *arguments: Any) -> int:
    """A function of the C library that returns -1 and errno."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def system(number: int, *arguments: Any) -> int:
    """A system call by its number."""
    padded = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return call("syscall", ctypes.c_long(number), *padded)


def write(path: str) -> Callable[[], Any]:
    return lambda: Path(path).write_text("of the sandbox")


def read(path: str) -> Callable[[], Any]:
    return lambda: Path(path).read_bytes()[:100]
