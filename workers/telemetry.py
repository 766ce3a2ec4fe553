"""Telemetry of a worker, off by default: metrics of the SDK and of models, and spans for OpenTelemetry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from temporalio.client import Interceptor
from temporalio.common import MetricMeter
from temporalio.runtime import LogForwardingConfig, LoggingConfig, MetricBuffer, Runtime, TelemetryConfig

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


def _log_client() -> LoggingConfig:
    """Return what a worker logs of its client: not that it balances no load by DNS where a Unix socket leads on."""
    forwarding = LogForwardingConfig(filter_logs(), append_target_to_name=False, prepend_target_on_message=False)
    return LoggingConfig(
        "error,temporalio_common=warn,temporalio_sdk_core=warn,temporalio_client=warn", forwarding=forwarding
    )


def build_runtime(buffer: MetricBuffer | None = None) -> Runtime:
    """Return a runtime that logs as we do, and records its metrics in a buffer where it gets one."""
    telemetry = TelemetryConfig(logging=_log_client(), metrics=buffer, attach_service_name=False)
    return Runtime(telemetry=telemetry, worker_heartbeat_interval=BEAT)


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
async def watch_models(
    backends: Backends, settings: ModelSettings, meter: MetricMeter, wanted: asyncio.Event
) -> AsyncIterator[None]:
    """Measure, until the block is left, whether the models in use answer and how much memory they take.

    It begins when the event is set.
    """
    async with run_beside(_measure(backends, settings, meter, wanted)):
        yield


async def _measure(backends: Backends, settings: ModelSettings, meter: MetricMeter, wanted: asyncio.Event) -> None:
    from activities.inference.backend import probe

    await wanted.wait()
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
