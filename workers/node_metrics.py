"""What a worker's machine tells Prometheus: processors, memory, disk, GPUs, and the sandboxes of the worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from activities.background import run_beside
from activities.node.gpus import Gpu, read_gpus
from activities.node.machine import measure_disk
from activities.node.sandbox_usage import SandboxMeter, SandboxTotals

_logger = logging.getLogger(__name__)

# A sandbox that begins and ends between two looks is not counted.
_LOOK_SECONDS = 2.0


class NodeMetrics(Collector):
    """The meters of the machine named `host`, read whenever they are asked for; `folder` is the data folder."""

    def __init__(self, host: str, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield what the machine has and uses; nothing of GPUs where no driver tells of any."""
        times, memory = psutil.cpu_times(), psutil.virtual_memory()
        idle = times.idle + getattr(times, "iowait", 0.0)
        seconds = CounterMetricFamily("hydra_host_cpu_seconds", "Time of all processors.", labels=["host", "mode"])
        seconds.add_metric([self._host, "idle"], idle)
        seconds.add_metric([self._host, "busy"], max(0.0, sum(times) - idle - _count_twice(times)))
        yield seconds
        free, total = measure_disk(self._folder)
        figures = {
            "hydra_host_cpus": ("Processors.", float(psutil.cpu_count() or 1)),
            "hydra_host_memory_used_bytes": ("Memory that programs hold.", float(memory.total - memory.available)),
            "hydra_host_memory_total_bytes": ("Memory of the machine.", float(memory.total)),
            "hydra_data_disk_free_bytes": ("Free room on the disk of the data folder.", float(free)),
            "hydra_data_disk_total_bytes": ("Size of the disk of the data folder.", float(total)),
        }
        for name, (text, value) in figures.items():
            gauge = GaugeMetricFamily(name, text, labels=["host"])
            gauge.add_metric([self._host], value)
            yield gauge
        yield from self._list_gpu_metrics(read_gpus())

    def _list_gpu_metrics(self, gpus: list[Gpu]) -> Iterator[Metric]:
        readings: dict[str, tuple[str, Callable[[Gpu], float | None]]] = {
            "hydra_gpu_memory_used_bytes": ("Memory of the GPU that is in use.", lambda gpu: gpu.used),
            "hydra_gpu_memory_total_bytes": ("Memory of the GPU.", lambda gpu: gpu.total),
            "hydra_gpu_utilization_ratio": ("Share of time in which the GPU was at work.", _get_utilization),
            "hydra_gpu_temperature_celsius": ("Temperature of the GPU.", lambda gpu: gpu.temperature),
            "hydra_gpu_power_watts": ("Power that the GPU draws.", lambda gpu: gpu.power),
        }
        for metric, (text, read) in readings.items():
            gauge = GaugeMetricFamily(metric, text, labels=["host", "gpu", "name"])
            for gpu in gpus:
                if (value := read(gpu)) is not None:
                    gauge.add_metric([self._host, str(gpu.number), gpu.name], float(value))
            if gauge.samples:
                yield gauge
        name, text = "hydra_gpu_process_memory_bytes", "Memory of the GPU by whose processes hold it."
        shares = GaugeMetricFamily(name, text, labels=["host", "gpu", "kind"])
        for gpu in gpus:
            for kind, held in gpu.processes:
                shares.add_metric([self._host, str(gpu.number), kind.value], float(held))
        if shares.samples:
            yield shares


class SandboxMetrics(Collector):
    """What the sandboxes of this worker use, as of the last look."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._meter = SandboxMeter()

    @asynccontextmanager
    async def look(self, wanted: asyncio.Event) -> AsyncIterator[None]:
        """Look at the sandboxes every two seconds until the block is left, from when the event is set."""
        async with run_beside(self._keep_looking(wanted)):
            yield

    async def _keep_looking(self, wanted: asyncio.Event) -> None:
        await wanted.wait()
        while True:
            try:
                await asyncio.to_thread(self._meter.look)
            except Exception:
                _logger.exception("What the sandboxes use is not known for now.")
            await asyncio.sleep(_LOOK_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """Yield the sandboxes and what they use, by backend."""
        gauges: dict[str, tuple[str, Callable[[SandboxTotals], float]]] = {
            "hydra_sandboxes": ("Sandboxes that there are.", lambda totals: totals.number),
            "hydra_sandbox_memory_bytes": ("Memory of all sandboxes.", lambda totals: totals.memory),
        }
        counters: dict[str, tuple[str, Callable[[SandboxTotals], float]]] = {
            "hydra_sandbox_cpu_seconds": ("Time of processors in sandboxes.", lambda totals: totals.cpu_seconds),
            "hydra_sandbox_read_bytes": ("Bytes that sandboxes read from disks.", lambda totals: totals.read),
            "hydra_sandbox_written_bytes": ("Bytes that sandboxes wrote to disks.", lambda totals: totals.written),
        }
        for family, readings in ((GaugeMetricFamily, gauges), (CounterMetricFamily, counters)):
            for name, (text, read) in readings.items():
                metric = family(name, text, labels=["host", "backend"])
                for backend, totals in self._meter.totals.items():
                    metric.add_metric([self._host, backend], float(read(totals)))
                yield metric


def _get_utilization(gpu: Gpu) -> float | None:
    return None if gpu.load is None else gpu.load / 100


def _count_twice(times: object) -> float:
    # The kernel counts the time of guests as time of users too.
    return float(getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0))
