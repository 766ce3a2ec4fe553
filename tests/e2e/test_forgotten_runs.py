"""A run that Temporal has forgotten reads as it did before."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from hydranet.settings import Settings
from tests.e2e.conftest import Hydra, repository
from workers.connection import connect
from workers.sealing import load_keys
from workers.stack import StackFolder

FILES = {
    "a.py": "def f(x):\n    return x < 1\n",
    "test_a.py": "from a import f\n\n\ndef test_one():\n    assert f(1)\n\n\ndef test_two():\n    assert not f(2)\n",
}
VIEWS = (("show", "--json"), ("show", "--diff"), ("log",), ("log", "--follow"), ("log", "--transcript"), ("report",))


def script(folder: Path) -> Path:
    strategy = {"title": "Correct the bound", "kind": "boundary", "target_files": ["a.py"], "target_symbols": ["f"]}
    lines = [
        {"purpose": "strategies", "round": 1, "answer": {"strategies": [strategy]}},
        {"purpose": "plan", "answer": {"summary": "move the bound", "steps": ""}},
        {"purpose": "reflect", "answer": {"lesson": "no", "next": "another"}},
        {"purpose": "implement", "answer": "```python\ndef f(x):\n    return x <= 1\n```"},
    ]
    file = folder / "script.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("forgotten")
    root = repository(folder / "bounds", FILES)
    return ("fix", "--repo", str(root), "--issue", "f is wrong at 1", "--model", f"scripted:{script(folder)}")


@pytest.fixture(scope="module")
def run_id(hydra: Hydra, arguments: tuple[str, ...]) -> Iterator[str]:
    """A run that a model has fixed, and which Temporal still knows."""
    os.environ["HYDRA_TEMPLATES_FIRST"] = "false"
    try:
        result, genealogy = hydra.json(*arguments)
        assert result.verdict == "fixed", result.reason
        yield genealogy.run_id
    finally:
        del os.environ["HYDRA_TEMPLATES_FIRST"]


def read(hydra: Hydra, run_id: str) -> dict[tuple[str, ...], str]:
    return {view: hydra(view[0], run_id, *view[1:]).stdout for view in VIEWS}


async def connect_to(hydra: Hydra) -> Client:
    stack = StackFolder(hydra.data).find_stack()
    assert stack is not None
    return await connect(stack.temporal, load_keys(Settings(data_dir=hydra.data)))


async def forget(hydra: Hydra, run_id: str) -> None:
    """Delete a run and its branches from Temporal, as their retention does."""
    client = await connect_to(hydra)
    for workflow_id in [w.id async for w in client.list_workflows(f"WorkflowId STARTS_WITH '{run_id}'")]:
        execution = WorkflowExecution(workflow_id=workflow_id)
        request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        await client.workflow_service.delete_workflow_execution(request)
        while await is_known(client, workflow_id):
            await asyncio.sleep(0.1)
    while [w async for w in client.list_workflows(f"WorkflowId STARTS_WITH '{run_id}'")]:
        await asyncio.sleep(0.1)


async def is_known(client: Client, workflow_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


@pytest.fixture(scope="module")
def before(hydra: Hydra, run_id: str, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], str]:
    """What was read of the run before Temporal forgot it, and below no name the archive that was made of it."""
    views = read(hydra, run_id)
    archive = tmp_path_factory.mktemp("archive") / "run.zip"
    assert hydra("show", run_id, "--export", archive).returncode == 0
    asyncio.run(forget(hydra, run_id))
    return {**views, (): str(archive)}


def test_a_run_that_temporal_has_forgotten_reads_the_same(
    hydra: Hydra, run_id: str, before: dict[tuple[str, ...], str]
) -> None:
    entries = [json.loads(line) for line in before["log",].splitlines()]
    assert entries[0]["event"] == "started"
    assert entries[-1]["event"] == "ended"
    assert {"publish_fix", "implement", "try_candidates"} <= {entry.get("call") for entry in entries}
    assert before["log", "--follow"] == before["log",]
    assert '"purpose": "implement"' in before["log", "--transcript"]
    assert "\n-    return x < 1\n+    return x <= 1\n" in before["show", "--diff"]
    assert read(hydra, run_id) == {view: before[view] for view in VIEWS}


def test_it_is_found_and_exported_and_its_id_stays_its_own(
    hydra: Hydra, run_id: str, before: dict[tuple[str, ...], str], arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert hydra("show", run_id, "--export", tmp_path / "second.zip").returncode == 0
    assert (tmp_path / "second.zip").read_bytes() == Path(before[()]).read_bytes()
    assert "is on record here already" in hydra("import", tmp_path / "second.zip").stdout
    listed = hydra("runs", "--text", "wrong at 1", "--repo", "bounds", "--verdict", "fixed", "--since", "1d").stdout
    assert run_id in listed
    refused = hydra("pull-request", run_id, "--repo", arguments[2])
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
    again = hydra(*arguments, "--detach")
    assert again.stdout.split()[1] == f"{run_id}-2", "its record stays"


def test_what_is_old_is_swept_on_every_node_and_by_a_schedule(hydra: Hydra) -> None:
    done = hydra("clean", "--dry-run")
    assert done.returncode == 0, done.stderr
    title, records, *nodes = done.stdout.splitlines()
    assert (title, records) == ("Would be removed:", "  records  nothing is too old")
    assert len(nodes) == 1, "the roles of one host sweep one cache"
    assert "Removed:" in hydra("clean").stdout
    doctor = hydra("doctor").stdout
    assert "environments" in doctor
    assert "code graph" in doctor

    async def find_schedules() -> list[str]:
        client = await connect_to(hydra)
        return [schedule.id async for schedule in await client.list_schedules()]

    assert asyncio.run(find_schedules()) == ["hydranet-sweep"]
