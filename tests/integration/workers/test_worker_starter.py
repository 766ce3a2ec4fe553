"""The starter of an embedded stack's workers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from hydranet.names import Role
from tests.processes import read_command
from workers import worker_starter
from workers.private_process import end
from workers.stack import StartError
from workers.worker_starter import WorkerStarter


@pytest.fixture
async def starter() -> AsyncIterator[WorkerStarter]:
    starter = WorkerStarter(0o022)
    yield starter
    starter.close()


async def _run(starter: WorkerStarter, data: Path) -> str:
    """Run a worker, which ends for want of a server, and return its log."""
    log = data / "log"
    lifeline, held = os.pipe()
    try:
        with log.open("ab") as file:
            worker = await starter.start(Role.SANDBOX, _name_data(data), file.fileno(), lifeline)
        assert await worker.output.read() == b""
        await asyncio.wait_for(worker.wait(), 30)
    finally:
        os.close(lifeline)
        os.close(held)
    return log.read_text()


async def test_each_worker_has_its_own_variables_and_log(starter: WorkerStarter, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    logs = await asyncio.gather(_run(starter, tmp_path), _run(starter, tmp_path / "other"))
    assert [log.count("No Temporal server is named") for log in logs] == [1, 1]


async def test_a_starter_that_is_killed_has_a_successor(starter: WorkerStarter, tmp_path: Path) -> None:
    (process,) = [child for child in psutil.Process().children() if "workers.worker_starter" in read_command(child)]
    process.kill()
    assert "No Temporal server is named" in await _run(starter, tmp_path)


async def test_a_worker_is_ended(starter: WorkerStarter, tmp_path: Path) -> None:
    lifeline, held = os.pipe()
    with (tmp_path / "log").open("ab") as log:
        worker = await starter.start(Role.SANDBOX, _name_data(tmp_path), log.fileno(), lifeline)
    await end(worker)
    await asyncio.wait_for(worker.wait(), 1)
    os.close(lifeline)
    os.close(held)


def _name_data(data: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HYDRA_DATA_DIR": str(data)}


async def test_a_starter_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(worker_starter, "build_command", lambda *_: [sys.executable, "-c", ""])
    starter = WorkerStarter(0o022)
    with pytest.raises(StartError, match="ends by itself"):
        await _run(starter, tmp_path)
    starter.close()
