"""Indexing fans out by batches and reports how far it is; vectors follow until none is left, and hold up nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from hydranet.contracts import (
    INDEX_WORKFLOW,
    SUPERVISOR_QUEUE,
    VECTORS,
    EmbedRequest,
    EmbedResult,
    IndexProgress,
    IndexRequest,
    IndexResult,
    ParseRequest,
)
from tests.workflows.environment import workers
from tests.workflows.world import World, fatal, flaky


async def start(server: Client) -> Any:
    request = IndexRequest(repository_path="/repository", embedding_model="ollama:bge")
    return await server.start_workflow(
        INDEX_WORKFLOW, request, id="index-demo", task_queue=SUPERVISOR_QUEUE, result_type=IndexResult
    )


def vectors(server: Client) -> Any:
    return server.get_workflow_handle(f"index-demo{VECTORS}", result_type=EmbedResult)


async def test_every_missing_file_is_in_one_batch_and_a_batch_that_fails_is_tried_again(server: Client) -> None:
    world = World(missing=450, on={"parse_files": flaky(1)})
    async with workers(server, world):
        result = await (await start(server)).result()
        embedded = await vectors(server).result()
    assert result == IndexResult(commit="base", files=990, parsed=450, linked=7, skipped={"binary": 10})
    assert embedded == EmbedResult(made=10, left=0)
    batches: list[ParseRequest] = world.requested("parse_files")
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


async def test_few_files_are_parsed_where_they_are_linked(server: Client) -> None:
    world = World(missing=200)
    async with workers(server, world):
        assert (await (await start(server)).result()).parsed == 200
    assert world.requested("parse_files") == []


async def test_the_progress_counts_the_batches_that_are_done(server: Client) -> None:
    held = asyncio.Event()

    async def hold(batch: ParseRequest) -> None:
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


async def test_an_embedding_model_that_is_down_holds_up_no_indexing_and_vectors_follow(server: Client) -> None:
    asked, up = asyncio.Event(), asyncio.Event()

    def down(_: EmbedRequest) -> None:
        asked.set()
        if not up.is_set():
            raise ApplicationError("nobody answers", type="TransientError", next_retry_delay=timedelta(seconds=0.1))

    world = World(missing=1, on={"embed_nodes": down})
    async with workers(server, world):
        await (await start(server)).result()
        await asked.wait()
        first = await vectors(server).describe()
        assert first.status is WorkflowExecutionStatus.RUNNING
        await (await start(server)).result()
        assert (await server.get_workflow_handle(first.id, run_id=first.run_id).describe()).status is (
            WorkflowExecutionStatus.TERMINATED
        )
        up.set()
        assert (await vectors(server).result()).left == 0


async def test_vectors_that_cannot_be_made_are_no_failure_of_the_indexing(server: Client) -> None:
    world = World(missing=1, on={"embed_nodes": fatal("there is no such model")})
    async with workers(server, world):
        assert (await (await start(server)).result()).linked == 7
        with pytest.raises(WorkflowFailureError):
            await vectors(server).result()


@pytest.mark.parametrize("left", [[5], [7, 9], [3, 2, 2]])
async def test_vectors_that_never_get_fewer_end_in_a_sentence(server: Client, left: list[int]) -> None:
    world = World(missing=1, vectors_left=left)
    async with workers(server, world):
        await (await start(server)).result()
        with pytest.raises(WorkflowFailureError) as raised:
            await vectors(server).result()
    assert f"{left[-1]} vectors are missing" in str(raised.value.cause)
    assert world.calls["embed_nodes"] == max(2, len(left))
