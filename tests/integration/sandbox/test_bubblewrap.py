"""What only bubblewrap has: kernels without overlays, machines without namespaces, its own program."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.sandbox import bubblewrap
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.protocol import Execution, Job, Limits
from hydranet.errors import UsageError

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)

Run = Callable[..., Awaitable[Execution]]


@pytest.fixture
def run(tree: Path) -> Run:
    """Runs a shell line in the sandbox."""

    async def run(line: str, **changes: Any) -> Execution:
        return await Bubblewrap().run(replace(Job(("/bin/sh", "-c", line), tree, LIMITS), **changes))

    return run


async def test_without_overlays_the_tree_is_copied(run: Run, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_has_overlay", lambda: False)
    done = await run("cat kept.txt; echo changed > kept.txt; dd if=/dev/zero of=a bs=1M count=12 2>&1 && echo fits")
    assert done.output.startswith("as it was\n")
    assert done.output.endswith("fits\n")
    assert (tree / "kept.txt").read_text() == "as it was\n"


async def test_a_machine_without_user_namespaces_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "find_program", lambda: "/bin/false")
    bubblewrap.check_bubblewrap.cache_clear()
    try:
        with pytest.raises(UsageError, match="runs nothing without one"):
            await run("true")
    finally:
        bubblewrap.check_bubblewrap.cache_clear()


async def test_a_preload_for_the_command_is_not_loaded_on_the_host(run: Run) -> None:
    done = await run("true", env={"LD_PRELOAD": "/no/such/library.so"})
    assert done.exit_status == 0
    assert "bwrap" not in done.output


async def test_cancellation_before_the_command_runs_leaves_no_process(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.touch()
    running = asyncio.ensure_future(run("echo ran > /results; sleep 1000", results=results))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert results.read_text() == ""
