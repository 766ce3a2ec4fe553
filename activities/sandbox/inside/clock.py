"""Ends what takes too long, from within."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Code that swallows the error is told again, this many seconds later.
AGAIN = 0.5


_CLOCKS = {signal.ITIMER_REAL: signal.SIGALRM, signal.ITIMER_VIRTUAL: signal.SIGVTALRM}


class Timeout(BaseException):
    """Not an Exception: `except Exception` in the code under test must not swallow it."""


# Shown as what it is to whoever reads the traceback.
Timeout.__name__ = Timeout.__qualname__ = "TimeoutError"
Timeout.__module__ = "builtins"


@contextmanager
def limited(seconds: float, cpu_seconds: float = 0.0) -> Iterator[list[float]]:
    """Raise TimeoutError in the main thread when the block takes longer than `seconds`.

    With `cpu_seconds` also when it computes for longer than that, which a busy machine does not blur.
    Yields a list that is empty until then.
    """
    rung: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield rung
        return

    def ring(number: int, _frame: FrameType | None) -> None:
        # Pytest leaves this frame out of the traceback, which then ends where the time went.
        __tracebackhide__ = True
        rung.append(seconds if number == signal.SIGALRM else cpu_seconds)
        raise Timeout(f"timed out after {rung[0]:g} s")

    before = {number: signal.signal(number, ring) for number in _CLOCKS.values()}
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds, AGAIN)
    try:
        yield rung
    finally:
        for clock, number in _CLOCKS.items():
            signal.setitimer(clock, 0)
            signal.signal(number, before[number] or signal.SIG_DFL)
