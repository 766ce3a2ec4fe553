"""One container: made and filled ahead, good for one job, gone with it.

Its first process (`inside/init.py`) waits for the job on standard input. While the connection stands the
container lives: a worker that dies takes its containers with it, whatever they were doing.
"""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from activities.sandbox.docker_engine import ContainerSpec, Engine
from activities.sandbox.protocol import Execution, Limits
from hydranet.errors import FatalError, TransientError

# A container answers when its tree has been copied; one that does not is broken.
READY_SECONDS = 120.0
# How long a container may take to end by itself when its lifeline is cut, before it is killed.
GRACE_SECONDS = 2.0

_STDOUT, _STDERR = 1, 2
_SAID_LIMIT = 20_000


class Container:
    """A container of `engine`, started and not yet used."""

    def __init__(self, engine: Engine, identifier: str, reader: StreamReader, writer: StreamWriter) -> None:
        self._engine = engine
        self.identifier = identifier
        self._reader = reader
        self._writer = writer
        self._said = bytearray()

    @classmethod
    async def start(cls, engine: Engine, making: ContainerSpec) -> Container:
        """Make a container and wait until its work tree is there.

        Raises TransientError when the engine cannot, FatalError when the tree does not fit.
        """
        identifier = await engine.create(making)
        try:
            reader, writer = await asyncio.open_connection(sock=await engine.attach(identifier))
        except BaseException:
            await asyncio.shield(engine.remove(identifier))
            raise
        container = cls(engine, identifier, reader, writer)
        try:
            await engine.start(identifier)
            async with asyncio.timeout(READY_SECONDS):
                while container._message("ready") is None:
                    if await container._frame() is None:
                        raise container._unstarted(making)
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
        """Run the command to its end or to its limits; the container is gone afterwards, also on cancellation.

        `files` are written first, by path.
        """
        began = time.monotonic()
        output = bytearray()
        try:
            self._send(command, env, limits, files)
            reason, timed_out = await self._watch(output, limits)
        finally:
            await self.remove()
        ended = self._message("exit") or {}
        status = ended.get("exit")
        if not reason and ended.get("starved") and status:
            reason = f"used more than {limits.memory_mb} MB of memory"
        if not reason and not isinstance(status, int):
            raise TransientError("The container was ended by somebody else while it ran.")
        return Execution(
            exit_status=status if isinstance(status, int) else 137,
            output=output.decode(errors="replace"),
            timed_out=timed_out,
            reason=reason,
            seconds=time.monotonic() - began,
        )

    async def remove(self) -> None:
        """End the container and everything in it; returns when nothing runs any more."""
        await asyncio.shield(asyncio.ensure_future(self._remove()))

    @property
    def alive(self) -> bool:
        """Whether it still waits for a job, as far as is known here."""
        return not self._reader.at_eof()

    def _send(self, command: tuple[str, ...], env: Mapping[str, str], limits: Limits, files: Mapping[str, str]) -> None:
        numbers = (limits.memory_mb << 20, limits.file_mb << 20)
        job = {"command": command, "env": dict(env), "limits": numbers, "files": dict(files)}
        self._writer.write(json.dumps(job).encode() + b"\n")

    async def _watch(self, output: bytearray, limits: Limits) -> tuple[str, bool]:
        room = limits.output_kb * 1024
        try:
            async with asyncio.timeout(limits.seconds):
                while (printed := await self._frame()) is not None:
                    output += printed[: room - len(output)]
                    if len(output) >= room:
                        return f"printed more than {limits.output_kb} KB", False
        except TimeoutError:
            return f"timed out after {limits.seconds:g} s", True
        return "", False

    async def _frame(self) -> bytes | None:
        """What was printed next, empty for a message of the first process, None at the end."""
        try:
            head = await self._reader.readexactly(8)
            printed = await self._reader.readexactly(int.from_bytes(head[4:], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        if head[0] == _STDERR:
            self._said += printed[: _SAID_LIMIT - len(self._said)]
            return b""
        return printed

    def _message(self, key: str) -> dict[str, Any] | None:
        """The message of the first process that has this key, if it was sent."""
        for line in self._said.splitlines():
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict) and key in message:
                    return message
        return None

    def _unstarted(self, making: ContainerSpec) -> Exception:
        said = self._said.decode(errors="replace").strip()[-300:]
        if "No space left on device" in said:
            return FatalError(
                f"The repository does not fit into the sandbox's work folder of {making.limits.disk_mb} MB: "
                "raise the setting 'sandbox.file_mb' (the folder has four times as much)."
            )
        return TransientError(f"The sandbox could not be started: {said or 'it gave no reason'}")

    async def _remove(self) -> None:
        """Cut the lifeline, and when that is not enough, kill."""
        with suppress(OSError, RuntimeError):
            self._writer.write_eof()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                while await self._frame() is not None:
                    pass
        except TimeoutError:
            # An engine that does not answer now is asked again when it is swept.
            with suppress(TransientError):
                await self._engine.remove(self.identifier)
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
