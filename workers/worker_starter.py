"""The starter of an embedded stack's workers: a process that has imported what they need, and is forked for each.

Importing takes a second and a half of processor time, and what is imported is shared between the forks. The starter
ends with the stack; where it ends earlier, the next worker has a new one started.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import NoReturn

from setproctitle import setproctitle

from hydranet.names import Role
from workers.stack import StartError, build_command

_REQUEST_BYTES = 1_000_000
# A starter that was killed has a successor; one that cannot start has none that can.
_TRIES = 2
# The worker's output, its log and its lifeline.
_DESCRIPTORS = 3


class ForkedWorker:
    """A worker of the stack, which the starter has forked, by a descriptor of its process."""

    def __init__(self, process: int, output: asyncio.StreamReader) -> None:
        self.output = output
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process, self._note_end)

    @property
    def returncode(self) -> int | None:
        """0 once the worker has ended, in whatever way: that its starter alone is told."""
        return 0 if self._ended.is_set() else None

    def terminate(self) -> None:
        """Ask the worker to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker by force."""
        self._send(signal.SIGKILL)

    async def wait(self) -> None:
        """Wait until the worker has ended."""
        await self._ended.wait()

    def _send(self, number: signal.Signals) -> None:
        if not self._ended.is_set():
            signal.pidfd_send_signal(self._process, number)

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process)
        os.close(self._process)
        self._ended.set()


class WorkerStarter:
    """The stack's end of the starter, which is started at once, and prepares itself meanwhile."""

    def __init__(self, umask: int) -> None:
        self._umask = umask
        self._turns = asyncio.Lock()
        self._connection, self._process = self._spawn()

    async def start(self, role: Role, env: Mapping[str, str], log: int, lifeline: int) -> ForkedWorker:
        """Start a worker with the variables `env`, and with descriptors of its log and its lifeline.

        Raises StartError where the starter itself does not start.
        """
        reading, writing = os.pipe()
        output = asyncio.StreamReader()
        request = json.dumps([role, dict(env)]).encode()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb")
        )
        try:
            async with self._turns:
                process = await asyncio.to_thread(self._ask, request, [writing, log, lifeline])
        finally:
            os.close(writing)
        return ForkedWorker(process, output)

    def close(self) -> None:
        """Let the starter end. Workers that it has started go on."""
        self._connection.close()
        self._process.wait()

    def _ask(self, request: bytes, descriptors: list[int]) -> int:
        for _ in range(_TRIES):
            try:
                socket.send_fds(self._connection, [request], descriptors)
                _, answered, _, _ = socket.recv_fds(self._connection, 1, 1)
            except OSError:
                answered = []
            if answered:
                return answered[0]
            self.close()
            self._connection, self._process = self._spawn()
        raise StartError("The process that starts workers ends by itself: see the stack's log.")

    def _spawn(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                build_command("workers.worker_starter", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # The processes keep their variables where who looks after a machine finds them.
                env={**os.environ, "SPT_NOENV": "1"},
                cwd="/",
                umask=self._umask,
                start_new_session=True,
            )
        return ours, process


def _serve(connection: socket.socket) -> NoReturn:
    """Fork a worker for each request, and answer with a descriptor of its process, until the stack ends."""
    # Imported here, since the stack itself needs none of it.
    import workers.worker  # noqa: F401

    setproctitle("hydra worker starter")
    signal.signal(signal.SIGCHLD, _reap)
    # What the collector leaves alone stays shared.
    gc.collect()
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(connection, _REQUEST_BYTES, _DESCRIPTORS)
        if not request:
            os._exit(0)
        # A worker that ends at once keeps its number until the descriptor of its process is open.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        if (pid := os.fork()) == 0:
            connection.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            _work(request, *descriptors)
        process = os.pidfd_open(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        socket.send_fds(connection, [b"."], [process])
        for descriptor in (process, *descriptors):
            os.close(descriptor)


def _reap(*_: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _work(request: bytes, output: int, log: int, lifeline: int) -> NoReturn:
    from workers.worker import LIFELINE, main

    role, env = json.loads(request)
    os.setsid()
    for source, target in ((output, 1), (log, 2)):
        os.dup2(source, target)
        os.close(source)
    os.environ.clear()
    os.environ.update(env, **{LIFELINE: str(lifeline)})
    setproctitle(f"hydra worker {role}")
    code = 1
    try:
        code = main([Role(role)])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        # Nobody needs the interpreter taken down piece by piece.
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
