"""The embedded Temporal server, in a network namespace: no port of the machine, but Unix sockets of its user's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
import time
from asyncio.subprocess import Process
from pathlib import Path

import psutil
from temporalio.client import Client

from hydranet.errors import TransientError, UsageError
from hydranet.settings import TemporalSettings
from workers.connection import connect
from workers.namespace import NamespaceSetup, load_definition
from workers.private_process import USER, are_namespaces_allowed, end, find_inner, wrap
from workers.sealing import KeyRing
from workers.stack import Stack, StartError
from workers.temporal_profile import build_variables
from workers.web_ui import PROXY_SOCKET, build_codec_url

# For the server to answer, also on a slow machine.
_START_SECONDS = 60
# Inside its namespace.
_PORT, _UI_PORT = 7233, 8080


class _Places:
    """Where a server listens: on Unix sockets in `runtime` where namespaces are allowed, else on free ports.

    From its namespace the proxy of the Web UI is reached by the same address as from outside.
    """

    def __init__(self, runtime: Path, proxy: int, nodes: Path | None) -> None:
        self.private = are_namespaces_allowed()
        self._nodes = nodes
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
        if self._nodes:
            ways.append(f"{self._nodes}:{self.port}")
        return [sys.executable, "-I", "-m", "workers.relay", *ways, self._way_out, "--", *command]


class TemporalServer:
    """The server on the database in a folder: how to reach it, and where its Web UI is (a Unix socket, or HOST:PORT).

    `proxy` is the port of the Web UI's proxy, and `nodes` a further socket, for the front of a cluster.
    """

    def __init__(
        self,
        chosen: TemporalSettings,
        keys: KeyRing,
        folder: Path,
        runtime: Path,
        log: Path,
        proxy: int,
        nodes: Path | None = None,
    ) -> None:
        self._database = folder / "temporal.db"
        self._keys = keys
        self._log = log
        self._places = _Places(runtime, proxy, nodes)
        self._command = [
            *(str(find_temporal()), "server", "start-dev", "--ip", "127.0.0.1"),
            *("--port", str(self._places.port), "--ui-port", str(self._places.ui_port)),
            *("--ui-codec-endpoint", build_codec_url(proxy)),
            *("--namespace", chosen.namespace, "--db-filename", str(self._database)),
            *("--log-level", "error", "--ui-disable-news-fetch"),
        ]
        self.temporal = chosen.model_copy(update={"address": self._places.address})
        self.web_ui = self._places.web_ui
        self._process: Process | None = None

    async def start(self) -> Client:
        """Start the server and wait until it answers; StartError where it does not."""
        _end_leftover_server(self._database)
        await self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not self.has_ended() and time.monotonic() < deadline:
            try:
                client = await connect(self.temporal, self._keys, embedded=True)
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
        raise StartError(f"The Temporal server did not start: see {self._log}.")

    async def spawn(self) -> None:
        """Start the server, which may take a while to answer."""
        command = wrap(self._places.wrap(self._command)) if self._places.private else self._command
        # The server asks for the name of its user, and ends where a service or a container leaves these out.
        usual = {"USER": USER, "HOME": str(self._database.parent)}
        missing = {name: value for name, value in usual.items() if not os.environ.get(name)}
        variables = {**build_variables(self.temporal, embedded=True), **missing}
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def has_ended(self) -> bool:
        """Return whether the server has ended, or was never started."""
        return self._process is None or self._process.returncode is not None

    def find_inner_pid(self) -> int:
        """Return the id of a process in the server's namespace, 0 where it has none."""
        inner = find_inner(self._process.pid) if self._process and self._places.private else None
        return inner.pid if inner else 0

    async def stop(self) -> None:
        """End the server."""
        if self._process is not None:
            # bubblewrap passes no signal on.
            await end(self._process, find_inner(self._process.pid) if self._places.private else None)


def find_temporal() -> Path:
    """Return the path of the `temporal` program."""
    return Path(sysconfig.get_path("scripts")) / "temporal"


def build_client_command(stack: Stack) -> tuple[list[str], dict[str, str]]:
    """Return the command line of the `temporal` command for a stack's server, and its environment."""
    program = [str(find_temporal())]
    known = build_variables(stack.temporal, embedded=bool(stack.pid))
    variables = {**known, "TEMPORAL_NAMESPACE": stack.temporal.namespace}
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


def _end_leftover_server(database: Path) -> None:
    # The server of a stack that was killed may live on, with the database file open.
    for process in psutil.process_iter(["cmdline"]):
        if str(database) in (process.info["cmdline"] or []):
            # Whoever killed the stack may be killing the server too.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)
