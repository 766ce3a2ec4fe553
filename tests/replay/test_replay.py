"""Committed histories replay on today's workflows, and today's workflows give the committed commands."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.replay.scenario import CHILDREN, FOLDER, INDEX_ID, OLDER, RUN_ID, fingerprint, play
from tests.workflows.environment import dev_server
from workers.payloads import data_converter
from workers.roles import WORKFLOWS, build_workflow_runner

IDS = {"fix": RUN_ID, "index": INDEX_ID, **{name: f"{RUN_ID}/{name}" for name in CHILDREN}}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("folder", [FOLDER, *sorted(OLDER.iterdir())], ids=lambda folder: folder.name)
async def test_a_committed_history_replays(folder: Path, name: str) -> None:
    history = WorkflowHistory.from_json(IDS[name], (folder / f"{name}.json").read_text())
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=build_workflow_runner(), data_converter=data_converter)
    await replayer.replay_workflow(history)


async def test_the_commands_are_the_committed_ones() -> None:
    async with dev_server() as client:
        histories = await play(client)
    committed = json.loads((FOLDER / "fingerprint.json").read_text())
    assert {name: fingerprint(history) for name, history in histories.items()} == committed
