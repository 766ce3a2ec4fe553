"""A command says which worker a run waits for."""

import asyncio
from pathlib import Path

from temporalio.client import Client

from hydra_cli.session import Session
from hydranet.contracts import FIX_WORKFLOW, SANDBOX_QUEUE, SUPERVISOR_QUEUE
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.environment import QUEUES, REQUEST, workers
from tests.workflows.world import World
from workers.sealing import KeyRing
from workers.stack import Stack


async def test_the_worker_that_is_missing_is_named(server: Client) -> None:
    stack = Stack(temporal=TemporalSettings(), database="")
    session = Session(Settings(), stack, server, KeyRing(Path(), [bytes(32)]))
    await server.start_workflow(FIX_WORKFLOW, REQUEST, id="fix-demo", task_queue=SUPERVISOR_QUEUE)
    assert "hydra worker supervisor" in await _first_wait(session)
    for role, queues in (("sandbox", QUEUES[:1]), ("inference", [SUPERVISOR_QUEUE, SANDBOX_QUEUE])):
        async with workers(server, World(), queues):
            waiting = await _first_wait(session, role)
            assert f"`hydra worker {role}`" in waiting


async def _first_wait(session: Session, word: str = "") -> str:
    async with asyncio.timeout(15):
        while True:
            for text in await session.list_parked("fix-demo"):
                if word in text:
                    return text
            await asyncio.sleep(0.2)
