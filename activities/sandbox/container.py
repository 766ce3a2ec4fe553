"""One container: started and filled ahead, good for one job, gone afterwards.

Its init (`inside/init.py`) waits for the job on standard input. The container lives only while that connection is
open, so a worker that dies takes its containers with it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TypeVar

from activities.sandbox.bounded_output import CommandOutput
from activities.sandbox.docker_engine import ContainerSpec, DockerEngine
from activities.sandbox.protocol import Execution, Limits
from hydranet.errors import FatalError, TransientError

R = TypeVar("R")

# Copying a large tree takes a while; a container that is not ready by then is broken.
READY_SECONDS = 120.0
# After its standard input is closed a container ends by itself, or is killed this much later.
GRACE_SECONDS = 2.0

# Docker frames what a container prints: a stream number, three zero bytes and the length, then the bytes.
_STDERR = 2
# Of what init itself says.
_REPORT_LIMIT = 20_000


class Container:
    """A container of `engine` that was started and not yet used."""

    def __init__(self, engine: DockerEngine, identifier: str, reader: StreamReader, writer: StreamWriter) -> None:
        self._engine = engine
        self.identifier = identifier
        self._reader = reader
        self._writer = writer
        self._report = bytearray()

    @classmethod
    async def start(cls, engine: DockerEngine, spec: ContainerSpec) -> Container:
        """Start a container and wait until its work tree is filled.

        Raises TransientError when the engine cannot, and FatalError when the tree does not fit.
        """
        identifier = await _acquire(engine.create(spec), engine.remove)
        try:
            attached = await _acquire(engine.attach(identifier), _close)
            reader, writer = await asyncio.open_connection(sock=attached)
        except BaseException:
            await asyncio.shield(engine.remove(identifier))
            raise
        container = cls(engine, identifier, reader, writer)
        try:
            await engine.start(identifier)
            async with asyncio.timeout(READY_SECONDS):
                while container._find_message("ready") is None:
                    if (frame := await container._read_frame()) is None:
                        raise container._explain_failure(spec)
                    container._add_report(frame[1])
        except TimeoutError:
            await container.remove()
            raise TransientError("The container was not ready in time; look at the load of this machine.") from None
        except BaseException:
            await container.remove()
            raise
        return container

    async def run(
        self,
        command: tuple[str, ...],
        env: Mapping[str, str],
        limits: Limits,
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> Execution:
        """Run the command to its end or to a limit, and remove the container, also on cancellation.

        `files` (text by path) are written first. Raises TransientError when somebody else removed the container.
        """
        began = time.monotonic()
        output = CommandOutput(limits.output_kb * 1024)
        # Init puts it before its report, on a stream that is the command's until then.
        mark = secrets.token_hex(16)
        try:
            self._send(command, env, limits, files, mark)
            reason, timed_out = await self._collect(output, limits.seconds, mark.encode())
        finally:
            await self.remove()
        end = self._find_message("exit") or {}
        status = end.get("exit")
        if not reason and end.get("oom_killed") and status:
            reason = f"used more than {limits.memory_mb} MB of memory"
        if not reason and not isinstance(status, int):
            raise TransientError("The container was ended by somebody else while it ran.")
        return Execution(
            exit_status=status if isinstance(status, int) else 137,
            **output.finish(),
            timed_out=timed_out,
            reason=reason,
            seconds=time.monotonic() - began,
        )

    async def remove(self) -> None:
        """End the container and everything in it; return when nothing runs any more."""
        # Shielded, so that cancelling a job does not leave its container behind.
        await asyncio.shield(asyncio.ensure_future(self._remove()))

    @property
    def alive(self) -> bool:
        """Whether it still waits for a job, as far as this process knows."""
        return not self._reader.at_eof()

    def _send(
        self, command: tuple[str, ...], env: Mapping[str, str], limits: Limits, files: Mapping[str, str], mark: str
    ) -> None:
        sizes = (limits.memory_mb << 20, limits.file_mb << 20, limits.address_mb << 20)
        job = {"command": command, "env": dict(env), "limits": sizes, "files": dict(files), "mark": mark}
        self._writer.write(json.dumps(job).encode() + b"\n")

    async def _collect(self, output: CommandOutput, seconds: float, mark: bytes) -> tuple[str, bool]:
        # The mark may come in two pieces.
        held = reported = b""
        try:
            async with asyncio.timeout(seconds):
                while (frame := await self._read_frame()) is not None:
                    stream, content = frame
                    if stream != _STDERR:
                        output.add(content, output.stdout)
                    elif reported:
                        self._add_report(content)
                    else:
                        printed, reported, rest = (held + content).partition(mark)
                        held = b"" if reported else printed[1 - len(mark) :]
                        output.add(printed[: len(printed) - len(held)], output.stderr)
                        self._add_report(rest)
        except TimeoutError:
            return f"timed out after {seconds:g} s", True
        finally:
            output.add(held, output.stderr)
        return "", False

    async def _read_frame(self) -> tuple[int, bytes] | None:
        try:
            head = await self._reader.readexactly(8)
            return head[0], await self._reader.readexactly(int.from_bytes(head[4:], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def _add_report(self, content: bytes) -> None:
        self._report += content[: _REPORT_LIMIT - len(self._report)]

    def _find_message(self, key: str) -> dict[str, Any] | None:
        for line in self._report.splitlines():
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict) and key in message:
                    return message
        return None

    def _explain_failure(self, spec: ContainerSpec) -> Exception:
        cause = self._report.decode(errors="replace").strip()[-300:]
        if "No space left on device" in cause:
            return FatalError(
                f"The repository does not fit into the sandbox's work folder of {spec.limits.disk_mb} MB: "
                "raise the setting 'sandbox.file_mb' (the folder has four times as much)."
            )
        return TransientError(f"The sandbox could not be started: {cause or 'it gave no reason'}")

    async def _remove(self) -> None:
        # The end of its standard input ends the container, without a call to the engine.
        with suppress(OSError, RuntimeError):
            self._writer.write_eof()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                while await self._read_frame() is not None:
                    pass
        except TimeoutError:
            # An engine that does not answer now is asked again by its next sweep.
            with suppress(TransientError):
                await self._engine.remove(self.identifier)
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def _acquire(call: Awaitable[R], release: Callable[[R], Awaitable[None]]) -> R:
    # A call in a thread goes on when it is cancelled, and what it returned would be nobody's.
    running = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        with suppress(TransientError):
            await release(await running)
        raise


async def _close(attached: socket.socket) -> None:
    attached.close()
