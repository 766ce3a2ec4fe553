"""Notices through a program of this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress

from hydranet.errors import TransientError
from hydranet.text.truncation import keep_start

# The worker's own variables, which name its servers and their secrets.
_OWN = ("HYDRA_", "TEMPORAL_")


async def run_program(command: Sequence[str], text: bytes, seconds: float) -> None:
    """Run a program with a text on its standard input; TransientError unless it ends well, and in time.

    What it prints goes nowhere. Where it takes too long, it is killed with all that it has started.
    """
    name = keep_start(command[0], 100)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            env={key: value for key, value in os.environ.items() if not key.startswith(_OWN)},
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its arguments hold what none may"
        raise TransientError(f"The program {name} cannot be started ({reason}).") from None
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(text)
    except TimeoutError:
        raise TransientError(f"The program {name} has not ended within {seconds:.0f} seconds.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise TransientError(f"The program {name} ended with {process.returncode}.")
