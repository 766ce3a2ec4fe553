"""What a stack with a cluster runs beside its other parts: Envoy and the join server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

from activities.private_file import write_private
from hydranet.errors import UsageError
from hydranet.settings import ClusterSettings
from workers.cluster.authority import needs_renewal
from workers.cluster.envoy import Envoy
from workers.cluster.folder import ClusterConfig, ClusterFolder
from workers.cluster.join_server import JoinServer, Services

# For Envoy to listen, also on a slow machine.
_START_SECONDS = 30


class Front:
    """The way of other nodes into the stack. It has the certificates of now, and lets nobody in who was revoked."""

    def __init__(
        self, folder: ClusterFolder, chosen: ClusterSettings, services: Services, runtime: Path, logs: Path
    ) -> None:
        self._folder = folder
        self._chosen = chosen
        self._log = logs / "envoy.log"
        self._envoy = Envoy(folder, runtime, self._log, chosen.listen, chosen.port)
        self._server = JoinServer(folder, services, chosen.listen, chosen.port)
        self._state = self._read_state()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve until the block is left. Raises UsageError where a port is taken."""
        for port in (self._chosen.port + 1, self._chosen.port + 2):
            _check_port(self._chosen.listen, port)
        async with self._server.serve():
            await self._envoy.spawn()
            try:
                await self._wait_until_open()
                yield
            finally:
                await self._envoy.stop()

    async def restart_ended(self) -> str:
        """Start Envoy again where it has ended or a certificate has changed; return why, empty where nothing was."""
        self._renew_server()
        state = self._read_state()
        changed = state != self._state
        ended = self._envoy.has_ended()
        if not changed and not ended:
            return ""
        self._state = state
        self._server.reload()
        # Anew, since a connection that is open would outlive the revocation of its certificate.
        await self._envoy.stop()
        await self._envoy.spawn()
        return "Envoy has ended and is started again." if ended else "Envoy is started again with changed certificates."

    def _renew_server(self) -> None:
        if needs_renewal(self._folder.server.read_text()):
            issue_server(self._folder, self._folder.load_config())

    def _read_state(self) -> tuple[int, ...]:
        return tuple(file.stat().st_mtime_ns for file in (self._folder.revoked, self._folder.server))

    async def _wait_until_open(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._chosen.listen, self._chosen.listen)  # noqa: S104
        deadline = time.monotonic() + _START_SECONDS
        while not self._envoy.has_ended() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, self._chosen.port + 2)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise UsageError(f"Envoy, which stands before the cluster, did not start: see {self._log}.")


def issue_server(folder: ClusterFolder, config: ClusterConfig) -> None:
    """Give the front a new certificate for node A's names."""
    key, certificate = folder.load_authority().issue_server(config.hosts)
    write_private(folder.server_key, key)
    write_private(folder.server, certificate)


def _check_port(listen: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OSError as error:
            raise UsageError(
                f"The cluster's port {port} cannot be listened on ({error.strerror}): end what listens there, or set "
                "'cluster.port' and 'cluster.listen'."
            ) from None
