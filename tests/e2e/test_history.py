"""The size of a finished run's history: a few KB per branch and at most 20 KB per attempt, looks included."""

import asyncio
from pathlib import Path

from hydranet.genealogy import Genealogy
from hydranet.settings import Settings
from tests.e2e.conftest import Hydra
from tests.e2e.test_resume import script
from workers.connection import connect
from workers.sealing import load_keys
from workers.stack import StackFolder

PER_ATTEMPT = 20_000
PER_BRANCH = 16_000


async def size(hydra: Hydra, genealogy: Genealogy) -> int:
    """The bytes of the histories of a run and its branches, as the server counts them."""
    stack = StackFolder(hydra.data).find_stack()
    assert stack is not None
    client = await connect(stack.temporal, load_keys(Settings(data_dir=hydra.data)))
    described = [
        await client.get_workflow_handle(workflow_id).describe()
        for workflow_id in [genealogy.run_id, *(branch.id for branch in genealogy.branches)]
    ]
    return sum(one.raw_description.workflow_execution_info.history_size_bytes for one in described)


def test_a_history_stays_small(hydra: Hydra, depot: Path, tmp_path: Path) -> None:
    hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
    try:
        arguments = ("fix", "--repo", depot, "--issue", "small", "--model", f"scripted:{script(tmp_path)}")
        _, genealogy = hydra.json(*arguments)
    finally:
        del hydra.env["HYDRA_TEMPLATES_FIRST"]
    assert genealogy.attempts >= 5
    assert [bool(one.refused) for one in genealogy.investigations] == [False, True] * genealogy.attempts
    allowed = PER_ATTEMPT * genealogy.attempts + PER_BRANCH * (len(genealogy.branches) + 1)
    assert asyncio.run(size(hydra, genealogy)) <= allowed
