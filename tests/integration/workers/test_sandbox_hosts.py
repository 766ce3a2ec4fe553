"""Two sandbox hosts, each a process with a data folder of its own: where attempts are made when one of them dies."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import uuid
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool
from temporalio import workflow
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.artifacts.store import PostgresArtifacts, put_model
from hydranet.contracts import (
    INFERENCE_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    AttemptReport,
    BranchRequest,
    BranchResult,
    Candidates,
    Checkpoint,
    Environment,
    ImplementAnswer,
    name_host_queue,
)
from hydranet.genealogy import Ending
from hydranet.settings import Settings, TemporalSettings
from tests.integration.conftest import Make
from tests.workflows.environment import dev_server
from tests.workflows.node import run_process
from tests.workflows.world import NOTHING, World, strategy
from workers.connection import connect
from workers.host import load_host
from workers.sealing import load_keys
from workers.versions import VersionGuard
from workflows import policies, sandbox_host
from workflows.branch import BranchWorkflow

# One attempt takes as long as a host that is lost may be missed for.
SOURCE = "def total():\n    return 1\n"
TESTS = "import time\nfrom total import total\n\n\ndef test_total():\n    time.sleep(2)\n    assert total() == 4\n"
SETUP = ("touch /env/prepared",)
STEPS = ("prepare_environment", "try_candidates", "commit_checkpoint")


@workflow.defn
class Reports:
    """Stands in for a run: takes the reports of its branch until the test ends it."""

    def __init__(self) -> None:
        self._reports: list[AttemptReport] = []
        self._ended = False

    @workflow.signal
    async def attempt_made(self, report: AttemptReport) -> None:
        self._reports.append(report)

    @workflow.signal
    async def end(self) -> None:
        self._ended = True

    @workflow.run
    async def run(self) -> list[AttemptReport]:
        await workflow.wait_condition(lambda: self._ended)
        return self._reports


class Node:
    """A sandbox host: its data folder, with a cache that has the base environment alone."""

    def __init__(self, folder: Path, cache: Path, address: str, database: str) -> None:
        shutil.copytree(cache, folder / "cache", symlinks=True)
        self.settings = Settings(data_dir=folder, temporal=TemporalSettings(address=address), database=database)
        self.kept = self._list_environments()
        self.process: Process | None = None

    @property
    def folder(self) -> Path:
        return self.settings.data_dir

    @property
    def identity(self) -> str:
        return load_host(self.folder).identify("sandbox")

    @property
    def queue(self) -> str:
        return name_host_queue(SANDBOX_QUEUE, load_host(self.folder).id)

    def count_built(self) -> int:
        """How many environments were built since the start."""
        return len(self._list_environments() - self.kept)

    def work(self) -> AbstractAsyncContextManager[Process]:
        """Run the worker in a process of its own."""
        named = {
            "HYDRA_DATA_DIR": str(self.folder),
            "HYDRA_TEMPORAL__ADDRESS": self.settings.temporal.address,
            "HYDRA_DATABASE": self.settings.database,
            "HYDRA_SANDBOX__BACKEND": "bubblewrap",
        }
        command = [sys.executable, "-W", "ignore", "-m", "hydra_cli", "worker", "sandbox"]
        return run_process(*command, env={**os.environ, **named})

    def _list_environments(self) -> set[str]:
        return {path.name for path in (self.folder / "cache" / "environments").iterdir() if path.suffix != ".lock"}


async def test_a_branch_stays_on_one_host_and_another_takes_over_in_the_attempt_in_which_it_dies(
    project: Make, pool: AsyncConnectionPool, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Less patience than in a run, as long as which nothing would happen here.
    monkeypatch.setattr(policies, "HEARTBEAT", timedelta(seconds=3))
    monkeypatch.setattr(sandbox_host, "_PATIENCE", timedelta(seconds=3))
    small = await project({"total.py": SOURCE, "test_total.py": TESTS}, setup=SETUP)
    baseline = (await small.test()).results
    assert baseline is not None
    artifacts = PostgresArtifacts(pool)
    for ref in (small.snapshot.pack, baseline):
        await artifacts.put(await small.artifacts.get(ref), ref.media_type)
    tries = [Candidates(candidates=(await small.change("total.py", "1", str(number)),)) for number in (2, 3, 4)]
    answers = [ImplementAnswer(candidates=await put_model(artifacts, each), count=1) for each in tries]
    world = World(trials={"one": answers})
    request = BranchRequest(
        run_id=f"fix-{uuid.uuid4().hex[:8]}",
        number=1,
        strategy=strategy("one"),
        start=Checkpoint(commit=small.snapshot.commit),
        start_failing=1,
        model="fake",
        repository_path="/repository",
        snapshot=small.snapshot,
        environment=Environment(key=""),
        prepared=False,
        sandbox=small.spec,
        baseline=baseline,
        target=("test_total.py::test_total",),
        target_count=1,
        issue=NOTHING,
        context=NOTHING,
        reaper=False,
    )
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(dev_server())
        address = str(server.service_client.config.target_host)
        nodes = [Node(tmp_path / name, cache, address, str(pool.conninfo)) for name in ("one", "two")]
        keys = load_keys(nodes[0].settings)
        shutil.copytree(nodes[0].folder / "keys", nodes[1].folder / "keys")
        client = await connect(nodes[0].settings.temporal, keys, interceptors=[VersionGuard()])
        for queue in (SUPERVISOR_QUEUE, INFERENCE_QUEUE, RETRIEVAL_QUEUE):
            workflows = [BranchWorkflow, Reports] if queue == SUPERVISOR_QUEUE else []
            worker = Worker(
                client,
                task_queue=queue,
                workflows=workflows,
                activities=[] if workflows else world.activities(),
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            await stack.enter_async_context(worker)
        for node in nodes:
            node.process = await stack.enter_async_context(node.work())
        run = await client.start_workflow(Reports.run, id=request.run_id, task_queue=SUPERVISOR_QUEUE)
        branch = await client.start_workflow(
            BranchWorkflow.run, request, id=f"{request.run_id}/b01", task_queue=SUPERVISOR_QUEUE
        )
        first = await find_tester(branch, nodes, commits=1)
        assert first.process is not None
        first.process.kill()
        result: BranchResult = await branch.result()
        await run.signal(Reports.end)
        reports, steps = await run.result(), await list_steps(branch)
    second = next(node for node in nodes if node is not first)
    assert result.ending is Ending.PASSED
    assert [report.record.number for report in reports] == [1, 2, 3]
    assert [report.move.environment.queue if report.move else "" for report in reports] == ["", second.queue, ""]
    assert f"took no step for 3 seconds: {load_host(second.folder).name} went on" in reports[1].notes[0]
    # What was under way on the first counts as nothing: no attempt is made or paid twice.
    assert world.calls["implement"] == world.calls["plan"] == 3
    assert steps == [
        *[(first.identity, step) for step in ("prepare_environment", "try_candidates", "commit_checkpoint")],
        *[(second.identity, step) for step in ("prepare_environment", *["try_candidates", "commit_checkpoint"] * 2)],
    ]
    assert [node.count_built() for node in nodes] == [1, 1]


async def find_tester(branch: WorkflowHandle[Any, Any], nodes: list[Node], commits: int) -> Node:
    """Return the node that tests candidates of the branch, once that has so many commits."""
    while True:
        steps = await list_steps(branch)
        pending = (await branch.describe()).raw_description.pending_activities
        for step in pending:
            started = step.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            if started and step.activity_type.name == "try_candidates" and len(steps) == 1 + 2 * commits:
                return next(node for node in nodes if node.identity == step.last_worker_identity)
        await asyncio.sleep(0.05)


async def list_steps(branch: WorkflowHandle[Any, Any]) -> list[tuple[str, str]]:
    """Return who has made which steps in a sandbox, in order."""
    names, steps = {}, []
    async for event in branch.fetch_history_events():
        scheduled, started = (
            event.activity_task_scheduled_event_attributes,
            event.activity_task_started_event_attributes,
        )
        if scheduled.activity_type.name in STEPS:
            names[event.event_id] = scheduled.activity_type.name
        elif started.scheduled_event_id in names:
            steps.append((started.identity, names[started.scheduled_event_id]))
    return steps
