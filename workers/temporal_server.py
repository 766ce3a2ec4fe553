"""The embedded Temporal server, in a network namespace: no port of the machine, but Unix sockets of its user's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import sysconfig
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
from temporalio.client import Client

from hydranet.errors import TransientError, UsageError
from hydranet.settings import TemporalSettings
from workers.connection import connect
from workers.namespace import NamespaceSetup, load_definition
from workers.private_process import are_namespaces_allowed, end, find_inner, run_private
from workers.sealing import KeyRing
from workers.stack import Stack, StartError
from workers.web_ui import PROXY_SOCKET, build_codec_url

# For the server to answer, also on a slow machine.
_START_SECONDS = 60
# Inside its namespace.
_PORT, _UI_PORT = 7233, 8080


@dataclass(frozen=True)
class TemporalServer:
    """A running server: how to reach it, where its Web UI is (a Unix socket, or HOST:PORT), and its process.

    `inner_pid` is the id of a process in the server's namespace, 0 where it has none.
    """

    temporal: TemporalSettings
    client: Client
    web_ui: str
    process: Process
    inner_pid: int

    def has_ended(self) -> bool:
        """Return whether the server has ended."""
        return self.process.returncode is not None


class _Places:
    """Where a server listens: on Unix sockets in `runtime` where namespaces are allowed, else on free ports.

    From its namespace the proxy of the Web UI is reached by the same address as from outside.
    """

    def __init__(self, runtime: Path, proxy: int) -> None:
        self.private = are_namespaces_allowed()
        self._way_out = f"{proxy}:{runtime}/{PROXY_SOCKET}"
        if self.private:
            self.port, self.ui_port = _PORT, _UI_PORT
            self.address, self.web_ui = f"unix:{runtime}/temporal.sock", f"unix:{runtime}/web-ui.sock"
        else:
            self.port, self.ui_port = find_free_port(_PORT), find_free_port()
            self.address, self.web_ui = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.ui_port}"

    def wrap(self, command: list[str]) -> list[str]:
        """Return the command that also serves the sockets."""
        ways = [
            f"{place.removeprefix('unix:')}:{port}"
            for place, port in ((self.address, self.port), (self.web_ui, self.ui_port))
        ]
        return [sys.executable, "-I", "-m", "workers.relay", *ways, self._way_out, "--", *command]


@contextlib.asynccontextmanager
async def open_temporal(
    chosen: TemporalSettings, keys: KeyRing, folder: Path, runtime: Path, log: Path, proxy: int
) -> AsyncIterator[TemporalServer]:
    """Run the server on the database in `folder` until the block is left; `proxy` is the port of its Web UI's proxy.

    Raises StartError.
    """
    database = folder / "temporal.db"
    _end_leftover_server(database)
    places = _Places(runtime, proxy)
    command = [
        *(str(find_temporal()), "server", "start-dev", "--ip", "127.0.0.1"),
        *("--port", str(places.port), "--ui-port", str(places.ui_port), "--ui-codec-endpoint", build_codec_url(proxy)),
        *("--namespace", chosen.namespace, "--db-filename", str(database)),
        *("--log-level", "error", "--ui-disable-news-fetch"),
    ]
    temporal = chosen.model_copy(update={"address": places.address})
    with log.open("ab") as output:
        async with _run(places, command, output) as process:
            client = await _connect(temporal, keys, process, log)
            inner = find_inner(process.pid) if places.private else None
            yield TemporalServer(temporal, client, places.web_ui, process, inner.pid if inner else 0)


def find_temporal() -> Path:
    """Return the path of the `temporal` program."""
    return Path(sysconfig.get_path("scripts")) / "temporal"


def build_client_command(stack: Stack) -> tuple[list[str], dict[str, str]]:
    """Return the command line of the `temporal` command for a stack's server, and its variables."""
    program = [str(find_temporal())]
    variables = {"TEMPORAL_NAMESPACE": stack.temporal.namespace}
    if stack.codec:
        variables |= {"TEMPORAL_CODEC_ENDPOINT": stack.codec, "TEMPORAL_CODEC_AUTH": f"Bearer {stack.web_ui_token}"}
    if not stack.server_pid:
        return program, {**variables, "TEMPORAL_ADDRESS": stack.temporal.address}
    inside = ["nsenter", "--user", "--net", "--preserve-credentials", "--target", str(stack.server_pid), "--"]
    return [*inside, *program], {**variables, "TEMPORAL_ADDRESS": f"127.0.0.1:{_PORT}"}


def find_free_port(preferred: int = 0) -> int:
    """Return a free port of the loopback, the preferred one where that is free."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise UsageError("No port of this machine is free: end what takes them.")


@contextlib.asynccontextmanager
async def _run(places: _Places, command: list[str], log: IO[bytes]) -> AsyncIterator[Process]:
    if places.private:
        async with run_private(places.wrap(command), log) as process:
            yield process
        return
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        await end(process)


async def _connect(temporal: TemporalSettings, keys: KeyRing, process: Process, log: Path) -> Client:
    deadline = time.monotonic() + _START_SECONDS
    while process.returncode is None and time.monotonic() < deadline:
        try:
            client = await connect(temporal, keys)
        except (UsageError, RuntimeError):
            await asyncio.sleep(0.1)
            continue
        try:
            async for _ in NamespaceSetup(client, load_definition()).apply():
                pass
        except TransientError:
            await asyncio.sleep(0.1)
        else:
            return client
    raise StartError(f"The Temporal server did not start: see {log}.")


def _end_leftover_server(database: Path) -> None:
    # The server of a stack that was killed may live on, with the database file open.
    for process in psutil.process_iter(["cmdline"]):
        if str(database) in (process.info["cmdline"] or []):
            # Whoever killed the stack may be killing the server too.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)
