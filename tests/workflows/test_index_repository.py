"""Indexing fans out by batches, reports how far it is, and makes vectors until none is left."""

import asyncio
from typing import Any

from temporalio.client import Client

from hydranet.contracts import (
    INDEX_WORKFLOW,
    SUPERVISOR_QUEUE,
    Batch,
    IndexProgress,
    IndexRequest,
    IndexResult,
)

from .environment import workers
from .world import World, flaky


async def start(server: Client) -> Any:
    request = IndexRequest(path="/repository", embedding_model="ollama:bge")
    return await server.start_workflow(
        INDEX_WORKFLOW, request, id="index-demo", task_queue=SUPERVISOR_QUEUE, result_type=IndexResult
    )


async def test_every_missing_file_is_in_one_batch_and_a_batch_that_fails_is_tried_again(server: Client) -> None:
    world = World(missing=450, on={"parse_files": flaky(1)})
    async with workers(server, world):
        result = await (await start(server)).result()
    assert result == IndexResult(commit="base", files=990, parsed=450, linked=7, vectors=10, skipped={"binary": 10})
    batches: list[Batch] = world.requested("parse_files")
    assert {(batch.first, batch.last) for batch in batches} == {(0, 200), (200, 400), (400, 450)}
    assert len(batches) == 4
    assert [request.model for request in world.requested("embed_nodes")] == ["ollama:bge"] * 2


async def test_a_large_repository_has_larger_batches_not_more_of_them(server: Client) -> None:
    world = World(missing=100_000)
    async with workers(server, world):
        handle = await start(server)
        await handle.result()
        history = await handle.fetch_history()
    batches = sorted((batch.first, batch.last) for batch in world.requested("parse_files"))
    assert len(batches) <= 64
    assert [last for _, last in batches] == [*(first for first, _ in batches[1:]), 100_000]
    assert sum(event.ByteSize() for event in history.events) < 150_000


async def test_the_progress_counts_the_batches_that_are_done(server: Client) -> None:
    held = asyncio.Event()

    async def hold(batch: Batch) -> None:
        if batch.first:
            await held.wait()

    world = World(missing=300, on={"parse_files": hold})
    async with workers(server, world):
        handle = await start(server)
        progress = IndexProgress()
        while progress.done < 200:
            progress = await handle.query("progress", result_type=IndexProgress)
        assert (progress.stage, progress.done, progress.total) == ("parsing", 200, 300)
        held.set()
        await handle.result()
