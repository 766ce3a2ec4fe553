"""The queries of the reference find the runs that they say."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from hydranet.names import FIX_WORKFLOW, SUPERVISOR_QUEUE
from tests.workflows.environment import REQUEST, workers
from tests.workflows.world import World, failed, passed, strategy

REPOSITORY = SearchAttributeKey.for_keyword("HydraRepository")
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| ([a-z ]+) \| `([^`]* (?:IS NOT NULL|[=><]) ?[^`]*)`", re.MULTILINE)


async def test_each_query_finds_a_run_that_it_is_about(server: Client) -> None:
    world = World(
        rounds=[[strategy("circles")], [strategy("wins")]],
        trials={"circles": [failed("x = 2"), failed("x = 3"), failed("x = 2")], "wins": [passed("x = 5")]},
    )
    queries = dict(ROW.findall(REFERENCE.read_text()))
    assert len(queries) >= 5

    async def count(query: str) -> int:
        return (await server.count_workflows(query)).count

    async with workers(server, world):
        await server.start_workflow(
            FIX_WORKFLOW,
            REQUEST.model_copy(update={"require_approval": True}),
            id="fix-depot",
            task_queue=SUPERVISOR_QUEUE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(REPOSITORY, "depot")]),
        )
        expected = {**dict.fromkeys(queries, 1), "circled closely": 0}  # It was reaped.
        async with asyncio.timeout(30):
            # The server lists a change of a run a moment later.
            while {name: await count(query) for name, query in queries.items()} != expected:
                await asyncio.sleep(0.2)
