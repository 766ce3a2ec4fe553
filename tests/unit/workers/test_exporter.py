"""The address at which a worker serves its metrics."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from hydranet.errors import UsageError
from workers import telemetry
from workers.exporter import Exporter


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


async def test_a_wrong_address_is_told() -> None:
    for address in ("9464", ":9464", "127.0.0.1:70000", "127.0.0.1:x"):
        with pytest.raises(UsageError, match="write HOST:PORT"), Exporter().serve(address, 0):
            pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match="correct 'metrics_address'"), Exporter().serve(address, 0):
            pass
    with pytest.raises(UsageError, match="correct 'metrics_address'"), Exporter().serve("127.0.0.1:65535", 1):
        pass


async def test_metrics_are_served_from_when_somebody_asks_for_them(tmp_path: Path) -> None:
    exporter, request, port = Exporter(), tmp_path / "metrics-address", free_port()
    runtime = telemetry.build_runtime(exporter.store.buffer)
    runtime.metric_meter.create_counter("hydra_asked", "Asked.").add(2, {"task_queue": "q", "cause": "hand"})
    async with exporter.run("", 1, request), httpx.AsyncClient() as scraper:
        await asyncio.sleep(0)
        assert not exporter.wanted.is_set()
        request.write_text(f"127.0.0.1:{port - 1}\n")
        await asyncio.wait_for(exporter.wanted.wait(), 10)
        page = (await scraper.get(f"http://127.0.0.1:{port}/metrics")).text
    # What was recorded before is there, with the labels that ours name themselves.
    assert 'hydra_asked_total{cause="hand"} 2.0' in page.splitlines()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
