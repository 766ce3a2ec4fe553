"""The metrics of Temporal's SDK and ours, taken from the SDK's buffer, as Prometheus reads them.

What workflows and activities record passes through the SDK's meter, which leaves out what a replay repeats.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    BufferedMetricUpdate,
    MetricBuffer,
    MetricBufferDurationFormat,
)

from hydranet.genealogy import Ending, Outcome, Verdict

# A worker records some ten updates a second, so this lasts for hours.
_BUFFER = 200_000
_OURS = "hydra_"
# What the SDK adds to all that is recorded in an activity or workflow: ours name what they need themselves.
_ADDED = frozenset({"service_name", "namespace", "task_queue", "workflow_type"})

_SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_BUCKETS: Mapping[str, Sequence[float]] = {
    "hydra_convergence": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0),
    "hydra_tokens_per_second": (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
    "hydra_first_token_seconds": (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0),
}

COUNTED: Mapping[str, tuple[str, str, Iterable[str]]] = {
    "hydra_runs": ("Runs by verdict.", "verdict", Verdict),
    "hydra_branches": ("Branches by ending.", "ending", [e for e in Ending if e not in ("running", "suspended")]),
    "hydra_attempts": ("Attempts by outcome.", "outcome", Outcome),
    "hydra_reaps": ("Reaped branches by cause.", "cause", ("circled", "repeated", "hand")),
}
"""What a supervisor counts from 0: a counter that began with its first event would show no increase by it."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    sum: float = 0.0

    def record(self, value: float) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


@dataclass
class _Family:
    name: str
    kind: str
    text: str
    values: dict[Labels, float] = field(default_factory=dict)
    histograms: dict[Labels, _Histogram] = field(default_factory=dict)


class MetricStore(Collector):
    """All that the runtime with this `buffer` has recorded, as a collector of Prometheus's client."""

    def __init__(self) -> None:
        self.buffer = MetricBuffer(_BUFFER, MetricBufferDurationFormat.SECONDS)
        self._families: dict[str, _Family] = {}
        self._lock = threading.Lock()

    def begin_counting(self) -> None:
        """Let what a supervisor counts begin with 0."""
        with self._lock:
            for name, (text, label, values) in COUNTED.items():
                zeros: dict[Labels, float] = {((label, str(value)),): 0.0 for value in values}
                self._families.setdefault(name, _Family(name, "counter", text, zeros))

    def drain(self) -> None:
        """Take what is in the buffer, which has room for so much only."""
        with self._lock:
            for update in self.buffer.retrieve_updates():
                self._take(update)

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics with all their samples."""
        self.drain()
        with self._lock:
            metrics = [_render(family) for family in self._families.values()]
        yield from metrics

    def _take(self, update: BufferedMetricUpdate) -> None:
        source = update.metric
        histogram = source.kind == BUFFERED_METRIC_KIND_HISTOGRAM
        counter = source.kind == BUFFERED_METRIC_KIND_COUNTER
        name = f"{source.name}_seconds" if source.unit == "s" else source.name
        kind = "histogram" if histogram else "counter" if counter else "gauge"
        family = self._families.setdefault(name, _Family(name, kind, source.description or ""))
        labels = _read_labels(source.name, update.attributes)
        if histogram:
            empty = _Histogram(_BUCKETS.get(name, _SECONDS))
            family.histograms.setdefault(labels, empty).record(float(update.value))
        else:
            before = family.values.get(labels, 0.0) if counter else 0.0
            family.values[labels] = before + update.value


def _read_labels(name: str, attributes: Mapping[str, object]) -> Labels:
    dropped = _ADDED if name.startswith(_OURS) else {"service_name"}
    # Otherwise a counter of runs would differ by the activity's or workflow's name, which says nothing.
    labels = {key: _write(value) for key, value in attributes.items() if key not in dropped}
    if name.startswith(_OURS) and name != "hydra_outages":
        labels.pop("activity_type", None)
    return tuple(sorted(labels.items()))


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write_bound(bound: float) -> str:
    return "+Inf" if bound == inf else str(bound)


def _render(family: _Family) -> Metric:
    metric = Metric(family.name, family.text or family.name, family.kind)
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    for labels, value in family.values.items():
        metric.add_sample(name, dict(labels), value)
    for labels, histogram in family.histograms.items():
        count = 0
        for bound, number in zip((*histogram.bounds, inf), histogram.counts, strict=True):
            count += number
            metric.add_sample(f"{name}_bucket", {**dict(labels), "le": _write_bound(bound)}, count)
        metric.add_sample(f"{name}_count", dict(labels), count)
        metric.add_sample(f"{name}_sum", dict(labels), histogram.sum)
    return metric
