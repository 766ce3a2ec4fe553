"""The activity by which a node tells of itself."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity

from activities.errors import translate_errors
from activities.node.inference import check_models, measure_models
from activities.node.machine import check_cache, check_clock, check_disk, measure_disk, measure_gpus
from activities.node.sandbox import check_sandboxes, count_sandboxes
from hydranet.contracts import INFERENCE_QUEUE, SANDBOX_QUEUE, Check, NodeMeters, NodeReport, NodeRequest
from hydranet.settings import Settings


class NodeActivities:
    """The activity of the worker for one of the shared queues."""

    def __init__(self, settings: Settings, queue: str) -> None:
        self._settings = settings
        self._queue = queue

    @activity.defn
    @translate_errors
    async def survey_node(self, request: NodeRequest) -> NodeReport:
        """Return the meters of this node, and the checks that were asked for."""
        arrived = datetime.now(UTC)
        meters = await self._measure()
        checks: list[Check] = []
        if request.examine:
            checks = [check_clock(arrived, activity.info().started_time), check_disk(self._settings.data_dir)]
            checks += [await check_cache(self._settings.data_dir), *await self._examine(meters)]
        return NodeReport(meters=meters, checks=tuple(checks))

    async def _measure(self) -> NodeMeters:
        free, total = measure_disk(self._settings.data_dir)
        meters = NodeMeters(disk_free=free, disk_total=total)
        if self._queue == SANDBOX_QUEUE:
            return meters.model_copy(update={"sandboxes": await count_sandboxes()})
        if self._queue == INFERENCE_QUEUE:
            models, gpus = await measure_models(self._settings), await measure_gpus()
            return meters.model_copy(update={"models": tuple(models), "gpus": tuple(gpus)})
        return meters

    async def _examine(self, meters: NodeMeters) -> list[Check]:
        if self._queue == SANDBOX_QUEUE:
            return await check_sandboxes(self._settings.sandbox)
        return check_models(meters.models, meters.gpus) if self._queue == INFERENCE_QUEUE else []
