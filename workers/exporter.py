"""The address at which a worker serves metrics for Prometheus: those of the SDK, of its machine and of the fleet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from activities.background import run_beside
from hydranet.errors import UsageError
from workers.metric_store import MetricStore

_logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 1.0
# Of the highest port.
_PORTS = 65_535


class Exporter:
    """The metrics of one worker; `store` is for its runtime, and other collectors are added."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.wanted = asyncio.Event()
        """Set from when somebody may ask: what costs something to measure is not measured before."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self.store)

    @contextmanager
    def add(self, collector: Collector) -> Iterator[None]:
        """Serve what a collector tells too, until the block is left."""
        self._registry.register(collector)
        try:
            yield
        finally:
            self._registry.unregister(collector)

    @contextmanager
    def serve(self, address: str, offset: int) -> Iterator[None]:
        """Serve at HOST:PORT until the block is left; the workers of one machine each add an `offset` to the port.

        Raises UsageError when the address cannot be used.
        """
        host, port = _split(address)
        bound = f"{host}:{port + offset}"
        try:
            server, thread = start_http_server(port + offset, host.strip("[]"), self._registry)
        except (OSError, OverflowError) as error:
            raise UsageError(f"Metrics cannot be served at {bound} ({error}): correct 'metrics_address'.") from None
        self.wanted.set()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    @asynccontextmanager
    async def run(self, address: str, offset: int, request: Path | None = None) -> AsyncIterator[None]:
        """Serve until the block is left: at the address, and without one where the file `request` names one.

        That file may come later: `hydra up --observe` writes it. Raises UsageError when the address cannot be used.
        """
        with ExitStack() as stack:
            if address:
                stack.enter_context(self.serve(address, offset))
            async with run_beside(self._keep(stack, offset, None if address else request)):
                yield

    async def _keep(self, stack: ExitStack, offset: int, request: Path | None) -> None:
        while True:
            self.store.drain()
            if request is not None and not self.wanted.is_set():
                self._serve_as_asked(stack, request, offset)
            await asyncio.sleep(_DRAIN_SECONDS)

    def _serve_as_asked(self, stack: ExitStack, request: Path, offset: int) -> None:
        try:
            stack.enter_context(self.serve(request.read_text().strip(), offset))
        except FileNotFoundError:
            pass  # Nobody has asked yet.
        except UsageError as error:
            _logger.warning("%s", error)  # The port may be free at the next try.


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _PORTS:
        raise UsageError(f"The setting 'metrics_address' is {address}: write HOST:PORT, as in 127.0.0.1:9464.")
    return host, int(port)
