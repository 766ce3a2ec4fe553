"""The limits of a sandbox host hold in its sandboxes, and a run is told."""

import logging
from pathlib import Path

import pytest

from activities.artifacts.variables import HeldVariables
from activities.sandbox.activities import SandboxActivities
from activities.sandbox.node_limits import NodeLimits
from activities.sandbox.protocol import Sandbox
from hydranet.contracts import PrepareRequest
from hydranet.settings import SandboxSettings
from tests.integration.conftest import CACHE, Make
from workers.sealing import KeyRing

FILES = {
    "test_a.py": "import resource\n\n\ndef test_memory():\n"
    "    limit, _ = resource.getrlimit(resource.RLIMIT_AS)\n    assert limit >> 20 == 4 * 512\n"
}


async def test_a_run_that_asks_for_more_memory_gets_what_the_host_allows(
    project: Make, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = await project(FILES, memory_mb=2048)
    assert not (await own.test()).passed
    limits = NodeLimits.of_owner(SandboxSettings(memory_mb=512))
    variables = HeldVariables(KeyRing(tmp_path, [bytes(32)]))
    own.activities = SandboxActivities(
        sandbox, own.artifacts, own.objects, CACHE, variables, host="gamma", limits=limits
    )
    with caplog.at_level(logging.INFO):
        environment = await own.activities.prepare_environment(PrepareRequest(snapshot=own.snapshot, spec=own.spec))
    assert "limited by the settings of gamma: memory_mb 512 of 2048" in environment.note
    assert "A run is limited by the settings of gamma: memory_mb 512 of 2048." in caplog.text
    assert (await own.test()).passed
