"""Telemetry of a worker, off by default: metrics for Prometheus and spans for OpenTelemetry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from temporalio.client import Interceptor
from temporalio.common import MetricMeter
from temporalio.runtime import LogForwardingConfig, LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig

from activities.background import run_beside
from hydranet.errors import UsageError
from hydranet.settings import ModelSettings
from workers.nodes import BEAT
from workers.outages import filter_logs

if TYPE_CHECKING:
    from activities.inference.backend import Backends

# The OpenTelemetry variable with the address of a collector, such as http://127.0.0.1:4318.
TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT"

# Prometheus scrapes about as often.
_WATCH_SECONDS = 15.0

_BUCKETS = {
    "hydra_convergence": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0],
    "hydra_tokens_per_second": [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0],
    "hydra_first_token_seconds": [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0],
}


def _log_client() -> LoggingConfig:
    """Return what a worker logs of its client: not that it balances no load by DNS where a Unix socket leads on."""
    forwarding = LogForwardingConfig(filter_logs(), append_target_to_name=False, prepend_target_on_message=False)
    return LoggingConfig(
        "error,temporalio_common=warn,temporalio_sdk_core=warn,temporalio_client=warn", forwarding=forwarding
    )


def build_runtime(metrics_address: str, offset: int) -> Runtime:
    """Return a runtime that logs as we do, and with an address serves Temporal's metrics and ours.

    The workers of one machine share the setting, so each adds an `offset` to the port. Raises UsageError when the
    address cannot be used.
    """
    if not metrics_address:
        return Runtime(telemetry=TelemetryConfig(logging=_log_client()), worker_heartbeat_interval=BEAT)
    host, _, port = metrics_address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"The setting 'metrics_address' is {metrics_address}: write HOST:PORT, as in 127.0.0.1:9464.")
    bound = f"{host}:{int(port) + offset}"
    serving = PrometheusConfig(
        bound,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=_BUCKETS,
    )
    try:
        measured = TelemetryConfig(logging=_log_client(), metrics=serving, attach_service_name=False)
        return Runtime(telemetry=measured, worker_heartbeat_interval=BEAT)
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"Metrics cannot be served at {bound} ({error}): correct 'metrics_address'.") from None


@contextmanager
def open_tracing() -> Iterator[list[Interceptor]]:
    """Open the interceptors that send the spans of workflows and activities to a collector, if one is configured."""
    if not os.environ.get(TRACES):
        yield []
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from temporalio.contrib.opentelemetry import TracingInterceptor

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "hydranet"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield [TracingInterceptor(provider.get_tracer("hydranet"), always_create_workflow_spans=True)]
    finally:
        provider.shutdown()


@asynccontextmanager
async def watch_models(backends: Backends, settings: ModelSettings, meter: MetricMeter) -> AsyncIterator[None]:
    """Measure, until the block is left, whether the models in use answer and how much memory they take."""
    async with run_beside(_measure(backends, settings, meter)):
        yield


async def _measure(backends: Backends, settings: ModelSettings, meter: MetricMeter) -> None:
    from activities.inference.backend import probe

    answers = meter.create_gauge("hydra_model_answers", "1 while the model's server answers, 0 while it does not.")
    loaded = meter.create_gauge("hydra_model_loaded", "1 while the server has the model loaded, where it says so.")
    memory = meter.create_gauge("hydra_model_memory_bytes", "Memory of the loaded model, where the server says so.")
    vram = meter.create_gauge("hydra_model_vram_bytes", "Of that, memory of the GPU.")
    while True:
        for model in backends.models:
            labels = {"model": model}
            try:
                status = await probe(model, settings)
            except UsageError:
                answers.set(0, labels)
                continue
            answers.set(1, labels)
            if status.loaded is not None:
                loaded.set(int(status.loaded), labels)
                memory.set(status.size or 0, labels)
                vram.set(status.vram or 0, labels)
        await asyncio.sleep(_WATCH_SECONDS)
