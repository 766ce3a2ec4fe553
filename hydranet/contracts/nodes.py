"""What nodes tell of themselves: meters, and checks of what their roles need."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Line, Name

_NODES = 300


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(BoundedModel):
    """What was looked at, how it is, and what to do about it where it is not well."""

    name: Name
    level: Level
    text: Line
    remedy: Line = ""


class ModelMeter(BoundedModel):
    """A model of a node: whether it is loaded, and its memory and that on the GPU in bytes; None is not known."""

    model: Name
    problem: Line = ""
    loaded: bool | None = None
    size: int | None = None
    vram: int | None = None


class GpuMeter(BoundedModel):
    """A GPU of a node: its memory in bytes, and its use in per cent."""

    name: Name
    used: int
    total: int
    load: int


class NodeMeters(BoundedModel):
    """What a node has in use: free and whole disk of the data folder in bytes, sandboxes that run, models and GPUs.

    `sandboxes` is None where the node's role has none.
    """

    disk_free: int
    disk_total: int
    sandboxes: int | None = None
    models: Annotated[tuple[ModelMeter, ...], Field(max_length=20)] = ()
    gpus: Annotated[tuple[GpuMeter, ...], Field(max_length=20)] = ()


class NodeRequest(BoundedModel):
    """What a node is asked: its meters, and with `examine` the checks of what its role needs."""

    examine: bool = False


class NodeReport(BoundedModel):
    """What a node answers."""

    meters: NodeMeters
    checks: Annotated[tuple[Check, ...], Field(max_length=40)] = ()


class SurveyRequest(BoundedModel):
    """Which nodes are asked, by the queue of each."""

    queues: Annotated[tuple[Name, ...], Field(max_length=_NODES)]
    node: NodeRequest = NodeRequest()


class NodeAnswer(BoundedModel):
    """What came back from the node of a queue: its report, or why there is none."""

    queue: Name
    report: NodeReport | None = None
    problem: Line = ""


class Survey(BoundedModel):
    """The answers of all nodes that were asked."""

    answers: Annotated[tuple[NodeAnswer, ...], Field(max_length=_NODES)] = ()
