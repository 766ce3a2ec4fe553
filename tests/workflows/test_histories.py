"""What the histories of a run and its branches hold."""

import pytest

from activities.artifacts.store import hash_content
from hydranet.budget import Budget
from hydranet.genealogy import Verdict
from tests.workflows.conftest import Run, Start
from tests.workflows.world import World, failed, passed, strategy


async def list_histories(run: Run) -> dict[str, list[bytes]]:
    """Return the events of the run and of its branches, by run id, those that continued as new included."""
    workflows = run.client.list_workflows(f"WorkflowId STARTS_WITH '{run.handle.id}'")
    return {
        workflow.run_id: [event.SerializeToString() for event in (await handle.fetch_history()).events]
        async for workflow in workflows
        if (handle := run.client.get_workflow_handle(workflow.id, run_id=workflow.run_id))
    }


@pytest.mark.parametrize("word", ["plain", "größer", 'a "quoted" \\ word'])
async def test_the_text_of_an_issue_is_in_the_request_and_where_it_is_stored_alone(start: Start, word: str) -> None:
    text = f"{word} {'ü' * 15_000} the end of the issue"
    assert len(text.encode()) > 30_000
    repeats = [failed("x = 2"), failed("x = 3"), failed("x = 2")]
    world = World(
        rounds=[[strategy("circles"), strategy("long")], [strategy("wins")]],
        trials={"circles": repeats, "long": [failed(f"value = call_{n}({n})") for n in range(6)], "wins": [passed()]},
        looks={"circles": ["read_file a.py"]},
    )
    run = await start(world, issue=text, supervisor_model="big", parallel_branches=2, budget=Budget(attempts=60))
    assert (await run.result()).verdict is Verdict.FIXED
    histories = await list_histories(run)
    assert len(histories) >= 4
    holding = [event for events in histories.values() for event in events if b"the end of the issue" in event]
    assert len(holding) == 2
    assert sum(event.count(b"the end of the issue") for event in holding) == 2
    assert {request.issue for request in world.requested("retrieve")} == {hash_content(text.encode(), "text/plain")}
