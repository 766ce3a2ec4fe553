"""Time limits of tests, by signals: of the clock, and of computing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Code that swallows the timeout gets it again after this many seconds, until it ends.
_REPEAT_SECONDS = 0.5

_TIMERS = {signal.ITIMER_REAL: signal.SIGALRM, signal.ITIMER_VIRTUAL: signal.SIGVTALRM}


class Timeout(BaseException):
    """The end of a test that hangs; no Exception, so that `except Exception` in tested code does not swallow it."""


# A traceback shows it under the name that everybody knows.
Timeout.__name__ = Timeout.__qualname__ = "TimeoutError"
Timeout.__module__ = "builtins"


@contextmanager
def limit_time(seconds: float, cpu_seconds: float = 0.0) -> Iterator[list[float]]:
    """Raise Timeout in the main thread when the block takes longer than `seconds`.

    With `cpu_seconds` also when it computes for longer, which does not depend on how busy the machine is.
    Yields a list that holds the limit once it was exceeded.
    """
    exceeded: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield exceeded
        return

    def interrupt(number: int, _frame: FrameType | None) -> None:
        # Pytest leaves this frame out of the traceback, which then ends in the code that hangs.
        __tracebackhide__ = True
        exceeded.append(seconds if number == signal.SIGALRM else cpu_seconds)
        raise Timeout(f"timed out after {exceeded[0]:g} s")

    before = {number: signal.signal(number, interrupt) for number in _TIMERS.values()}
    signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds, _REPEAT_SECONDS)
    try:
        yield exceeded
    finally:
        for timer, number in _TIMERS.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number] or signal.SIG_DFL)
