"""What sandboxes use is measured while they run, and stays counted when they have ended."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from activities.node.sandbox_usage import SandboxMeter, SandboxTotals, SandboxUse
from activities.sandbox.protocol import Job, Limits
from tests.sandboxes import BACKENDS, sandbox_of

# It writes and computes for as long as nobody ends it, so that a look meets it at work.
BUSY = "while :; do head -c 1000000 /dev/zero >file; done"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_sandbox_at_work_is_counted_with_its_memory_and_time(backend: str, tree: Path, tmp_path: Path) -> None:
    limits = Limits(seconds=60, memory_mb=256, processes=16, file_mb=16, disk_mb=64, output_kb=16)
    meter = SandboxMeter()
    totals = meter.totals[backend]
    # A database of other tests may be in namespaces too.
    await asyncio.to_thread(meter.look)
    others, began = totals.number, totals.cpu_seconds
    async with sandbox_of(backend, tmp_path / "sandbox") as sandbox:
        running = asyncio.create_task(sandbox.run(Job(command=("/bin/sh", "-c", BUSY), tree=tree, limits=limits)))
        async with asyncio.timeout(30):
            while totals.cpu_seconds < began + 0.1 or totals.number == others:
                await asyncio.to_thread(meter.look)
        assert totals.number == others + 1
        assert totals.memory > 0
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    used = totals.cpu_seconds
    # An engine may take a while to forget a container that has ended.
    async with asyncio.timeout(60):
        while totals.number != others:
            await asyncio.to_thread(meter.look)
    assert totals.cpu_seconds >= used


def test_what_a_sandbox_used_stays_counted_when_it_has_ended() -> None:
    totals = SandboxTotals()
    totals.add({"a": SandboxUse(memory=100, cpu_seconds=1.0, read=10, written=5)})
    totals.add({"a": SandboxUse(memory=80, cpu_seconds=3.0, read=30, written=5), "b": SandboxUse(memory=20)})
    assert (totals.number, totals.memory, totals.cpu_seconds, totals.read, totals.written) == (2, 100, 3.0, 30, 5)
    totals.add({"b": SandboxUse(memory=20, cpu_seconds=0.5)})
    assert (totals.number, totals.memory, totals.cpu_seconds, totals.read) == (1, 20, 3.5, 30)
