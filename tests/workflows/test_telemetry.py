"""What a worker tells about itself, as a Prometheus and a collector of spans would read it."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from hydranet.contracts import FIX_WORKFLOW, SUPERVISOR_QUEUE, RunResult
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.environment import REQUEST, workers
from tests.workflows.world import World, failed, passed, strategy
from workers import outages, telemetry
from workers.connection import connect
from workers.exporter import Exporter
from workers.sealing import load_keys


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def spans() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a collector, and the names of the spans that it got."""
    names: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names.extend(span.name for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", names
        server.shutdown()
        thread.join()


async def test_a_run_is_counted_and_traced(
    server: Client, spans: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address, names = spans
    monkeypatch.setenv(telemetry.TRACES, address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    port = free_port()
    exporter = Exporter()
    exporter.store.begin_counting()
    runtime = telemetry.build_runtime(exporter.store.buffer)
    with telemetry.open_tracing() as interceptors, exporter.serve(f"127.0.0.1:{port - 1}", 1):
        keys = load_keys(Settings(data_dir=tmp_path))
        settings = TemporalSettings(address=server.service_client.config.target_host)
        client = await connect(settings, keys, runtime, interceptors)
        world = World(
            rounds=[[strategy("one"), strategy("two")]],
            trials={"one": [failed("value = 1")] * 3, "two": [passed()]},
        )
        async with workers(client, world):
            await client.execute_workflow(
                FIX_WORKFLOW, REQUEST, id="fix-told", task_queue=SUPERVISOR_QUEUE, result_type=RunResult
            )
            async with httpx.AsyncClient() as scraper:
                page = (await scraper.get(f"http://127.0.0.1:{port}/metrics")).text
    counted = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in page.splitlines() if line[:1] != "#"}

    def count(name: str, label: str = "") -> float:
        return sum(value for key, value in counted.items() if key.partition("{")[0] == name and label in key)

    assert count("hydra_attempts_total", 'outcome="failed"') == 2
    assert count("hydra_attempts_total", 'outcome="passed"') == 1
    assert count("hydra_branches_total", 'ending="reaped"') == count("hydra_reaps_total", 'cause="circled"') == 1
    assert count("hydra_runs_total", 'verdict="fixed"') == count("hydra_runs_total") == 1
    assert 'hydra_runs_total{verdict="aborted"} 0.0' in page
    assert count("hydra_convergence_bucket", 'le="0.75"') == 2
    assert count("hydra_convergence_count") == 3
    assert "fix-told" not in page
    assert count("temporal_activity_schedule_to_start_latency_seconds_count") > 0
    assert {f"RunWorkflow:{FIX_WORKFLOW}", "RunActivity:try_candidates"} <= set(names)


def test_no_span_is_sent_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(telemetry.TRACES, raising=False)
    with telemetry.open_tracing() as interceptors:
        assert interceptors == []


@pytest.fixture
def fresh_filters() -> Iterator[None]:
    """Filters of logs that have seen no outage yet."""
    loggers = [logging.getLogger(name) for name in ("hydranet.temporal", "psycopg.pool")]
    before = [list(logger.filters) for logger in loggers]
    for logger in loggers:
        logger.filters.clear()
    outages.filter_logs()
    yield
    for logger, filters in zip(loggers, before, strict=True):
        logger.filters[:] = filters


@pytest.mark.usefixtures("fresh_filters")
def test_an_outage_is_told_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    logger, clock = (
        logging.getLogger("hydranet.temporal"),
        iter((1000.0, 1001.0, 1030.0, 5000.0, 5001.0, *range(5002, 5005))),
    )
    monkeypatch.setattr(outages, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    error = 'Status { message: "tcp connect error", source: Some({ message: "Connection refused" }) }'
    for _ in range(5):
        logger.warning("gRPC call poll_activity_task_queue retried 6 times {'error': %r}", error)
    logger.error("Something else")
    outage = "Temporal does not answer (Connection refused): this worker goes on when it does."
    assert caplog.messages == [outage, outage, "Something else"]
    logger.warning("Temporal answers again, after %.0f s.", 5)
    logger.warning("Network error while sending worker heartbeat {'error': %r}", error)
    logger.warning("Error when recording heartbeat: Status { code: Unavailable, message: %r }", "tcp connect error")
    logger.warning("Network error while completing activity {'error': %r}", error)
    assert caplog.messages[3:] == ["Temporal answers again, after 5 s.", outage]


@pytest.mark.usefixtures("fresh_filters")
def test_an_outage_of_the_database_is_told_once_and_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("psycopg.pool")
    reason = 'connection failed: connection to server at "192.168.7.10", port 7845 failed: Connection refused\n\tIs it?'
    for _ in range(2):
        logger.warning("error connecting in %r: %s", "pool-1", reason)
    logger.warning("reconnection attempt in pool %r failed after %s sec", "pool-1", 10.0)
    assert caplog.messages == ["PostgreSQL does not answer (Connection refused): this worker goes on when it does."]


@pytest.mark.usefixtures("fresh_filters")
async def test_an_outage_of_the_server_is_told_as_long_as_it_lasts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "_TOLD_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(outages, "_EVERY_SECONDS", 0.05)
    answers: Iterator[bool] = iter([True, *[False] * 10])

    async def check_health(**_: Any) -> None:
        if not next(answers, True):
            raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")

    client: Any = SimpleNamespace(service_client=SimpleNamespace(check_health=check_health))
    async with outages.watch_server(client, reports=False), asyncio.timeout(10):
        while len(caplog.messages) < 2:
            await asyncio.sleep(0.05)
    assert "Temporal does not answer: this worker goes on when it does." in caplog.messages[0]
    assert caplog.messages[1].startswith("Temporal answers again, after ")
