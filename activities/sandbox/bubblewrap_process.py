"""One bubblewrap process and everything it starts: bounded output, bounded time, no survivor."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

from activities.sandbox.bounded_output import BoundedOutput, CommandOutput
from activities.sandbox.cgroups import open_group
from activities.sandbox.inside import seccomp
from activities.sandbox.protocol import OPEN_FILES, Execution, Limits
from hydranet.errors import TransientError

# Between two looks at whether the sandbox's init has its seccomp filter; it takes about as long.
_POLL_SECONDS = 0.001


class BubblewrapProcess:
    """A bubblewrap process with the pipes that report and release it.

    `options` are bubblewrap's own for these pipes. It reports the pid of the sandbox's init on one. It waits on the
    other until that process is limited, so nothing runs outside of the limits.
    """

    def __init__(self, stack: ExitStack, limits: Limits) -> None:
        self._group = stack.enter_context(open_group(limits))
        self._status, self._status_inside = _open_pipe(stack)
        self._gate_inside, self._gate = _open_pipe(stack)
        self.options = [
            *("--json-status-fd", str(self._status_inside.fileno())),
            *("--block-fd", str(self._gate_inside.fileno())),
        ]

    async def run(self, command: Sequence[str], files: Sequence[int], limits: Limits) -> Execution:
        """Run to the end or to a limit; a cancelled call kills everything before it raises CancelledError.

        `files` are the descriptors that bubblewrap reads. Raises TransientError when it cannot start.
        """
        stop = asyncio.Event()
        supervision = asyncio.ensure_future(self._supervise(command, files, limits, stop))
        try:
            return await asyncio.shield(supervision)
        except asyncio.CancelledError:
            stop.set()
            # A second cancellation must not interrupt the killing either.
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
            stderr=PIPE,
            pass_fds=(*files, self._status_inside.fileno(), self._gate_inside.fileno()),
            env={},
            cwd="/",
            start_new_session=True,
        )
        # Only bubblewrap may hold its ends, or the status pipe would never reach its end of file.
        self._status_inside.close()
        self._gate_inside.close()
        status = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(status), self._status
        )
        output = CommandOutput(limits.output_kb * 1024)
        init_fd = None
        try:
            init, init_fd = _open_init(await status.readline())
            if init_fd is not None:
                _limit(init, limits, self._group is not None)
                if self._group is not None:
                    self._group.add(init)
            with suppress(BrokenPipeError):
                self._gate.write(b"\n")
            await _release(process, init, stop)
            reason, timed_out = await _wait_for_end(process, output, limits.seconds, stop)
        finally:
            await _kill(process, init_fd)
            exit_status = _parse_exit_status(await status.read())
            transport.close()
        if not reason and exit_status != 0 and self._group is not None and self._group.oom_killed:
            reason = f"used more than {limits.memory_mb} MB of memory"
        printed = output.finish()
        if exit_status is None and not reason:
            cause = printed["output"].strip()[-300:] or "bubblewrap gave no reason"
            raise TransientError(f"The sandbox could not be started, or was killed: {cause}")
        return Execution(
            exit_status=128 + signal.SIGKILL if exit_status is None else exit_status,
            **printed,
            timed_out=timed_out,
            reason=reason,
            seconds=time.monotonic() - began,
        )


async def _release(process: Process, init: int, stop: asyncio.Event) -> None:
    """Let the command start once the sandbox's init is sure to die with bubblewrap.

    bubblewrap forks the command first. Its init sets the parent-death signal a moment later, just before it loads
    its seccomp filter. Were HydraNet killed in between, the sandbox would outlive it.
    """
    assert process.stdin is not None
    while not (stop.is_set() or _dies_with_bubblewrap(init)):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
    with suppress(BrokenPipeError, ConnectionResetError):
        if not stop.is_set():
            process.stdin.write(b"\n")
        process.stdin.close()
        await process.stdin.wait_closed()


def _dies_with_bubblewrap(init: int) -> bool:
    if not seccomp.build_filter():
        return True
    try:
        return "\nSeccomp:\t2\n" in Path("/proc", str(init), "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


async def _wait_for_end(
    process: Process, output: CommandOutput, seconds: float, stop: asyncio.Event
) -> tuple[str, bool]:
    reading = asyncio.ensure_future(_read_output(process, output))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait((reading, stopping), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
        stopping.cancel()
        await asyncio.wait((reading, stopping))
    if not done:
        return f"timed out after {seconds:g} s", True
    if reading not in done:
        return "cancelled", False
    reading.result()
    return "", False


async def _read_output(process: Process, output: CommandOutput) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    await asyncio.gather(
        _read_stream(process.stdout, output, output.stdout), _read_stream(process.stderr, output, output.stderr)
    )
    await process.wait()


async def _read_stream(reader: asyncio.StreamReader, output: CommandOutput, stream: BoundedOutput) -> None:
    while chunk := await reader.read(65_536):
        output.add(chunk, stream)


async def _kill(process: Process, init_fd: int | None) -> None:
    """Kill whatever is left and wait until it is gone.

    A pid namespace dies with its init, which the kernel reports last: once the pidfd is readable nothing lives.
    """
    with suppress(ProcessLookupError):
        if init_fd is not None:
            signal.pidfd_send_signal(init_fd, signal.SIGKILL)
    with suppress(ProcessLookupError):
        process.kill()
    if init_fd is not None:
        await _wait_until_readable(init_fd)
        os.close(init_fd)
    # asyncio sees the end of a process only after the end of its pipes.
    await _read_output(process, CommandOutput(0))


async def _wait_until_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


def _limit(process_id: int, limits: Limits, has_group: bool) -> None:
    # When the machine runs out of memory, the kernel kills a sandbox before anything else.
    Path("/proc", str(process_id), "oom_score_adj").write_text("1000")
    # RLIMIT_DATA counts the memory that is really asked for. Runtimes reserve address space freely, so RLIMIT_AS
    # is wider and only bounds shared mappings.
    data = limits.memory_mb << 20
    wanted = {
        resource.RLIMIT_DATA: data,
        resource.RLIMIT_AS: limits.address_mb << 20 if has_group else 4 * data,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_FSIZE: limits.file_mb << 20,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.prlimit(process_id, kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.prlimit(process_id, kind, (value, value))


def _open_init(report: bytes) -> tuple[int, int | None]:
    """Return the pid of the sandbox's init and a pidfd, which no later process can take over as it can a pid."""
    with suppress(ValueError, KeyError, ProcessLookupError):
        process_id = json.loads(report)["child-pid"]
        return process_id, os.pidfd_open(process_id)
    return 0, None


def _parse_exit_status(report: bytes) -> int | None:
    # There is none when the command was killed or never started.
    with suppress(ValueError, KeyError, IndexError):
        return int(json.loads(report.splitlines()[-1])["exit-code"])
    return None


def _open_pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return stack.enter_context(FileIO(reading, "r")), stack.enter_context(FileIO(writing, "w"))
