"""The parts of a hostile program: doors that it tries, each of which has to be closed.

Programs run inside the sandbox and use only the standard library. /inputs/bait.json tells where the bait is.
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
    """Try a door: it is closed when the attempt raises an error, and open when it returns anything."""
    try:
        result = attempt()
    except (OSError, ValueError) as error:
        print(f"held: {what} ({getattr(error, 'strerror', None) or error})", flush=True)
    else:
        print(f"ESCAPED: {what}: {str(result)[:200]!r}", flush=True)


def never(what: str, happened: Any) -> None:
    """Report an escape when something has happened."""
    print(f"ESCAPED: {what}: {str(happened)[:200]!r}" if happened else f"held: {what}", flush=True)


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library; raise OSError when it returns -1."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def system(number: int, *arguments: Any) -> int:
    """Make a system call by its number."""
    padded = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return call("syscall", ctypes.c_long(number), *padded)


def write(path: str) -> Callable[[], Any]:
    return lambda: Path(path).write_text("of the sandbox")


def read(path: str) -> Callable[[], Any]:
    return lambda: Path(path).read_bytes()[:100]
