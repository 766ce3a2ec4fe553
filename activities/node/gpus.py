"""The GPUs of a machine by NVML, the library of NVIDIA's driver: memory, use, temperature, power, and whose memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import psutil

from activities.sandbox.protocol import INSIDE_PACKAGE

T = TypeVar("T")

# Programs that serve models, or the modules by which Python runs them.
_SERVERS = frozenset(
    "ollama llama-server llama.cpp vllm sglang tritonserver text-generation-server text-generation-launcher lmdeploy "
    "koboldcpp localai tabbyapi mlc_llm aphrodite".split()
)
# By its arguments a process shows no more than this of what it is.
_ARGUMENTS = 8
_lock = threading.Lock()


class ProcessKind(StrEnum):
    """Whose process it is that has memory of a GPU."""

    MODEL_SERVER = "model server"
    SANDBOX = "sandbox"
    OTHER = "other"


@dataclass(frozen=True)
class Gpu:
    """A GPU: memory in bytes, use in per cent, temperature in °C, power in watts; None is what it does not tell.

    `processes` has the bytes of its memory by whose processes hold them.
    """

    number: int
    name: str
    used: int
    total: int
    load: int | None = None
    temperature: int | None = None
    power: float | None = None
    processes: tuple[tuple[ProcessKind, int], ...] = ()


def read_gpus() -> list[Gpu]:
    """Return the GPUs that NVIDIA's driver tells of; none where there is no driver, or it does not answer."""
    import pynvml

    with _lock:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return []
        try:
            return list(_list_gpus(pynvml))
        except pynvml.NVMLError:
            return []
        finally:
            _ask(pynvml, pynvml.nvmlShutdown)


def _list_gpus(nvml: Any) -> Iterator[Gpu]:
    for number in range(nvml.nvmlDeviceGetCount()):
        # One that has fallen off the bus, or that this process may not open.
        handle = _ask(nvml, nvml.nvmlDeviceGetHandleByIndex, number)
        if handle is None:
            continue
        # The second version counts as nvidia-smi does: without what the driver reserves for itself.
        memory = _ask(nvml, nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        memory = memory or _ask(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
        if memory is None:
            continue
        name = _ask(nvml, nvml.nvmlDeviceGetName, handle) or "GPU"
        load = _ask(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
        power = _ask(nvml, nvml.nvmlDeviceGetPowerUsage, handle)
        yield Gpu(
            number=number,
            name=name.decode(errors="replace") if isinstance(name, bytes) else str(name),
            used=int(memory.used),
            total=int(memory.total),
            load=None if load is None else int(load.gpu),
            temperature=_ask(nvml, nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power=None if power is None else power / 1000,
            processes=tuple(sorted(_sum_processes(nvml, handle).items())),
        )


def _sum_processes(nvml: Any, handle: Any) -> Counter[ProcessKind]:
    held: dict[int, int] = {}
    for call in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        for process in _ask(nvml, call, handle) or ():
            # A process that computes and draws is in both lists with the same memory.
            held[process.pid] = max(held.get(process.pid, 0), process.usedGpuMemory or 0)
    sums: Counter[ProcessKind] = Counter(dict.fromkeys(ProcessKind, 0))
    for pid, memory in held.items():
        sums[find_kind(pid)] += memory
    return sums


def _ask(nvml: Any, call: Callable[..., T], *arguments: Any) -> T | None:
    try:
        return call(*arguments)
    except nvml.NVMLError:
        return None  # Not every GPU knows everything: partitions have no use, and some cards no power.


def find_kind(pid: int) -> ProcessKind:
    """Return whose process that is, by itself and those that it descends from; one that is gone is another's."""
    try:
        process = psutil.Process(pid)
        family = [_read_words(member) for member in (process, *process.parents())]
    except psutil.Error:
        return ProcessKind.OTHER
    # First, since what runs in a sandbox names itself as it likes.
    if any(words[0] == "bwrap" or f"{INSIDE_PACKAGE}/init.py" in words for words in family):
        return ProcessKind.SANDBOX
    if any(_is_server(words) for words in family):
        return ProcessKind.MODEL_SERVER
    return ProcessKind.OTHER


def _read_words(process: psutil.Process) -> list[str]:
    """Return the name of a process, and the first of its arguments."""
    try:
        return [process.name(), *process.cmdline()[:_ARGUMENTS]]
    except psutil.AccessDenied:
        return [process.name()]


def _is_server(words: list[str]) -> bool:
    # A module is named as in `python -m vllm.entrypoints.openai.api_server`.
    names = {word.rpartition("/")[2].lower() for word in words}
    return not _SERVERS.isdisjoint(names | {name.partition(".")[0] for name in names})
