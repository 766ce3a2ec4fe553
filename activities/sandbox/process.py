"""One bubblewrap process and everything it started: bounded output, bounded time, no survivor."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

from activities.sandbox.cgroups import open_group
from activities.sandbox.inside import seccomp
from activities.sandbox.protocol import OPEN_FILES, Execution, Limits
from hydranet.errors import TransientError

_BINDING_SECONDS = 0.001


class Contained:
    """The pipes by which a bubblewrap process is watched and released, and its course.

    `options` are bubblewrap's own for these pipes: it reports the sandbox's first process on one and
    waits on the other until that process is watched, so nothing runs that would not be ended.
    """

    def __init__(self, stack: ExitStack, limits: Limits) -> None:
        self._group = stack.enter_context(open_group(limits))
        self._status, self._status_inside = _pipe(stack)
        self._gate_inside, self._gate = _pipe(stack)
        self.options = [
            *("--json-status-fd", str(self._status_inside.fileno())),
            *("--block-fd", str(self._gate_inside.fileno())),
        ]

    async def run(self, command: Sequence[str], files: Sequence[int], limits: Limits) -> Execution:
        """Run to the end, or to the limits; on cancellation end everything before passing it on.

        `files` are the descriptors that bubblewrap reads. Raises TransientError when it cannot start.
        """
        stop = asyncio.Event()
        supervision = asyncio.ensure_future(self._supervise(command, files, limits, stop))
        try:
            return await asyncio.shield(supervision)
        except asyncio.CancelledError:
            stop.set()
            while not supervision.done():
                with suppress(asyncio.CancelledError, Exception):
                    await asyncio.shield(supervision)
            raise

    async def _supervise(
        self, command: Sequence[str], files: Sequence[int], limits: Limits, stop: asyncio.Event
    ) -> Execution:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            pass_fds=(*files, self._status_inside.fileno(), self._gate_inside.fileno()),
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._status_inside.close()
        self._gate_inside.close()
        status = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(status), self._status
        )
        output = bytearray()
        first = None
        try:
            process_id, first = _first(await status.readline())
            if first is not None:
                _limit(process_id, limits)
                if self._group is not None:
                    self._group.add(process_id)
            with suppress(BrokenPipeError):
                self._gate.write(b"\n")
            await _begin(process, process_id, stop)
            reason, timed_out = await _watch(process, output, limits, stop)
        finally:
            await _end(process, first)
            exit_status = _exit_status(await status.read())
            transport.close()
        if not reason and exit_status != 0 and self._group is not None and self._group.starved:
            reason = f"used more than {limits.memory_mb} MB of memory"
        text = output.decode(errors="replace")
        if exit_status is None and not reason:
            said = text.strip()[-300:] or "bubblewrap gave no reason"
            raise TransientError(f"The sandbox could not be started, or was killed: {said}")
        return Execution(
            exit_status=128 + signal.SIGKILL if exit_status is None else exit_status,
            output=text,
            timed_out=timed_out,
            reason=reason,
            seconds=time.monotonic() - began,
        )


async def _begin(process: Process, init: int, stop: asyncio.Event) -> None:
    """Let the command begin once the first process of its namespace is sure to end with bubblewrap.

    bubblewrap starts the command first and binds that process a moment later, just before it filters its system calls.
    Were this process killed in between, the sandbox would outlive it.
    """
    assert process.stdin is not None
    while not (stop.is_set() or _is_bound(init)):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _BINDING_SECONDS)
    with suppress(BrokenPipeError, ConnectionResetError):
        if not stop.is_set():
            process.stdin.write(b"\n")
        process.stdin.close()
        await process.stdin.wait_closed()


def _is_bound(init: int) -> bool:
    """Whether bubblewrap has bound this process; so it is when there is none (any more)."""
    if not seccomp.program():
        return True
    try:
        return "\nSeccomp:\t2\n" in Path("/proc", str(init), "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


async def _watch(process: Process, output: bytearray, limits: Limits, stop: asyncio.Event) -> tuple[str, bool]:
    """Wait for the end or a limit; the reason to end the command, if there is one, and whether it is time."""
    reading = asyncio.ensure_future(_read(process, output, limits.output_kb * 1024))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait((reading, stopping), timeout=limits.seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
        stopping.cancel()
        await asyncio.wait((reading, stopping))
    if not done:
        return f"timed out after {limits.seconds:g} s", True
    if reading not in done:
        return "cancelled", False
    return ("" if reading.result() else f"printed more than {limits.output_kb} KB"), False


async def _read(process: Process, output: bytearray, limit: int) -> bool:
    """Collect the output until the process has ended; False as soon as it is over the limit."""
    assert process.stdout is not None
    while chunk := await process.stdout.read(65_536):
        output += chunk[: limit - len(output)]
        if len(output) >= limit:
            return False
    await process.wait()
    return True


async def _end(process: Process, first: int | None) -> None:
    """Kill what is left: a pid namespace ends with its first process, which the kernel reports last."""
    with suppress(ProcessLookupError):
        if first is not None:
            signal.pidfd_send_signal(first, signal.SIGKILL)
    with suppress(ProcessLookupError):
        process.kill()
    if first is not None:
        await _ended(first)
        os.close(first)
    await _drain(process)
    await process.wait()


async def _drain(process: Process) -> None:
    """Read what is still in the pipe, without which asyncio neither closes it nor sees the end of the process."""
    assert process.stdout is not None
    while await process.stdout.read(65_536):
        pass


async def _ended(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)


def _limit(process_id: int, limits: Limits) -> None:
    """Bound a process that waits at the gate, and with it all that it will start."""
    # When memory runs out on the machine, the kernel is to take from here first.
    Path("/proc", str(process_id), "oom_score_adj").write_text("1000")
    # RLIMIT_DATA counts what is really asked for; the address space, which runtimes reserve freely, only
    # has to bound shared mappings.
    data = limits.memory_mb << 20
    wanted = {
        resource.RLIMIT_DATA: data,
        resource.RLIMIT_AS: 4 * data,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_FSIZE: limits.file_mb << 20,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.prlimit(process_id, kind)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.prlimit(process_id, kind, (most, most))


def _first(report: bytes) -> tuple[int, int | None]:
    """The sandbox's first process, its id and a pidfd; None when bubblewrap did not get that far."""
    with suppress(ValueError, KeyError, ProcessLookupError):
        process_id = json.loads(report)["child-pid"]
        return process_id, os.pidfd_open(process_id)
    return 0, None


def _exit_status(report: bytes) -> int | None:
    """What bubblewrap reported in the end; None when the command was killed or never began."""
    with suppress(ValueError, KeyError, IndexError):
        return int(json.loads(report.splitlines()[-1])["exit-code"])
    return None


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return stack.enter_context(FileIO(reading, "r")), stack.enter_context(FileIO(writing, "w"))
