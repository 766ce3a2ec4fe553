"""GPUs as NVML tells of them: by the real binding on a library that stands in for the driver's, and without one."""

import ctypes.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activities.node.gpus import ProcessKind, find_kind, read_gpus
from activities.node.machine import measure_gpus
from tests.nvml import build_nvml
from workers.node_metrics import NodeMetrics

# In a process of its own, since a library that is loaded once stays.
READ = """
import asyncio, json, sys
from dataclasses import asdict
from prometheus_client import CollectorRegistry, generate_latest
from activities.node.gpus import read_gpus
from activities.node.machine import measure_gpus
from pathlib import Path
from workers.node_metrics import NodeMetrics
registry = CollectorRegistry()
registry.register(NodeMetrics("alpha", Path("/")))
page = generate_latest(registry).decode()
print(json.dumps([[asdict(gpu) for gpu in read_gpus()], page, len(asyncio.run(measure_gpus()))]))
"""
ROOT = Path(__file__).parents[3]


def test_every_gpu_is_told_with_what_it_knows(tmp_path: Path) -> None:
    library = build_nvml(tmp_path)
    env = {**os.environ, "LD_LIBRARY_PATH": str(library)}
    done = subprocess.run([sys.executable, "-c", READ], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    gpus, page, count = json.loads(done.stdout)
    assert [(gpu["name"], gpu["used"] >> 30, gpu["total"] >> 30) for gpu in gpus] == [
        ("Large GPU", 20, 80),
        ("Small GPU", 1, 8),
    ]
    assert [(gpu["load"], gpu["temperature"], gpu["power"]) for gpu in gpus] == [(75, 61, 312.5), (None, 61, None)]
    # The process that computes and draws counts once.
    assert dict(gpus[0]["processes"]) == {"model server": 0, "sandbox": 0, "other": 5 << 30}
    assert 'hydra_gpu_utilization_ratio{gpu="0",host="alpha",name="Large GPU"} 0.75' in page
    assert 'hydra_gpu_memory_total_bytes{gpu="1",host="alpha",name="Small GPU"} 8.589934592e+09' in page
    assert 'hydra_gpu_power_watts{gpu="1"' not in page
    assert 'hydra_gpu_process_memory_bytes{gpu="0",host="alpha",kind="other"} 5.36870912e+09' in page
    assert count == 2


async def test_a_machine_without_a_driver_has_no_series_of_gpus_and_no_error() -> None:
    if ctypes.util.find_library("nvidia-ml"):
        pytest.skip("this machine has NVIDIA's driver")
    assert read_gpus() == []
    assert await measure_gpus() == []
    names = [metric.name for metric in NodeMetrics("alpha", Path("/")).collect()]
    assert not [name for name in names if "gpu" in name]
    assert {"hydra_host_cpu_seconds", "hydra_host_memory_used_bytes", "hydra_data_disk_free_bytes"} <= set(names)


def test_a_process_is_told_by_itself_and_by_those_that_it_descends_from(tmp_path: Path) -> None:
    server, sandbox = tmp_path / "ollama", tmp_path / "bwrap"
    server.symlink_to("/bin/sleep")
    sandbox.symlink_to("/bin/sh")
    with subprocess.Popen([server, "60"]) as process:
        assert find_kind(process.pid) is ProcessKind.MODEL_SERVER
        process.kill()
    # What runs in a sandbox names itself as it likes.
    script = f"{server} 60 & echo $!; wait"
    with subprocess.Popen([sandbox, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        inner = int(process.stdout.readline())
        assert find_kind(inner) is ProcessKind.SANDBOX
        os.kill(inner, signal.SIGKILL)
    assert find_kind(os.getpid()) is ProcessKind.OTHER
    assert find_kind(2**22 + 1) is ProcessKind.OTHER
