"""The runs whose histories and fingerprint are committed: one branch reaped, one refuted and one that wins, and the
indexing of a repository.

`python -m tests.replay.scenario` records them anew, which a change of the workflows' commands needs. The histories that
were committed are kept, in `older`: runs that began before the change go on after it.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from hydranet.contracts import FIX_WORKFLOW, INDEX_WORKFLOW, SUPERVISOR_QUEUE, IndexRequest
from tests.workflows.environment import REQUEST, dev_server, workers
from tests.workflows.world import World, failed, passed, report, strategy

FOLDER = Path(__file__).parent / "histories"
OLDER = FOLDER / "older"
RUN_ID = "fix-demo-replay"
INDEX_ID = "index-demo-replay"
CHILDREN = ("b01-circles", "b02-flaky", "b03-wins")


async def play(client: Client) -> dict[str, WorkflowHistory]:
    """Run the scenario and return the histories by name."""
    world = World(
        rounds=[[strategy("circles"), strategy("flaky")], [strategy("wins")]],
        trials={
            "circles": [failed("x = 2"), failed("x = 3"), failed("x = 2")],
            "flaky": [passed("x = 4")],
            "wins": [failed("y = call(1)", "t1", file="b.py", error="KeyError"), passed("x = 5")],
        },
        verifications=[report("t1"), report()],
        tokens=10,
        missing=450,
        looks={"wins": ["read_file a.py"]},
    )
    async with workers(client, world):
        handle = await client.start_workflow(FIX_WORKFLOW, REQUEST, id=RUN_ID, task_queue=SUPERVISOR_QUEUE)
        await handle.result()
        request = IndexRequest(repository_path=REQUEST.repository_path)
        index = await client.start_workflow(INDEX_WORKFLOW, request, id=INDEX_ID, task_queue=SUPERVISOR_QUEUE)
        await index.result()
        handles = {"fix": handle, "index": index}
        handles |= {name: client.get_workflow_handle(f"{RUN_ID}/{name}") for name in CHILDREN}
        return {name: await h.fetch_history() for name, h in handles.items()}


def fingerprint(history: WorkflowHistory) -> list[str]:
    """Return the commands a workflow gave, in order, without timers: their number depends on what coincides."""
    return list(_commands(history))


def _commands(history: WorkflowHistory) -> Iterator[str]:
    for event in history.events:
        if name := _command(event):
            yield name


def _command(event: HistoryEvent) -> str | None:
    match event.event_type:
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            return f"activity {event.activity_task_scheduled_event_attributes.activity_type.name}"
        case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            return f"child {event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name}"
        case EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
            return f"signal {event.signal_external_workflow_execution_initiated_event_attributes.signal_name}"
        case EventType.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
            return "cancel"
        case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            return "index"
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            return "complete"
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
            return "cancelled"
        case _:
            return None


async def record() -> None:
    """Write the histories and the fingerprint."""
    async with dev_server() as client:
        histories = await play(client)
    _keep_committed()
    for name, history in histories.items():
        (FOLDER / f"{name}.json").write_text(history.to_json() + "\n")
    prints = {name: fingerprint(history) for name, history in histories.items()}
    (FOLDER / "fingerprint.json").write_text(json.dumps(prints, indent=1) + "\n")


def _keep_committed() -> None:
    """Keep the histories for replays, unless they were recorded since the last commit."""
    changed = ["git", "status", "--porcelain", "--", str(FOLDER)]
    if subprocess.run(changed, check=True, capture_output=True, cwd=FOLDER).stdout:
        return
    kept = OLDER / str(1 + max((int(folder.name) for folder in OLDER.iterdir()), default=0))
    kept.mkdir()
    for name in ("fix", "index", *CHILDREN):
        shutil.copy(FOLDER / f"{name}.json", kept)


if __name__ == "__main__":
    asyncio.run(record())
