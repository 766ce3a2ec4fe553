"""Patches that forge the test runner, in both sandboxes: what judges a patch is not changed by it."""

import pytest

from activities.sandbox.protocol import Sandbox
from hydranet import patches
from hydranet.contracts import Candidate
from tests.integration.conftest import Make, project  # noqa: F401 - a fixture
from tests.integration.sandbox import test_forged_runners as forged

NAMES = ("exit", "records instead of others", "a seal from the environment", "no methods", "some methods", "no cases")


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
async def test_no_forged_runner_is_believed(
    sandbox: Sandbox,
    project: Make,  # noqa: F811 - the fixture
    runner: str,
) -> None:
    made = await project(forged.FILES, test_command=forged.COMMANDS[runner], test_timeout=60)
    baseline = (await made.test()).results
    for name in NAMES:
        text = forged.forge(runner, forged.ANY[name])
        diff = patches.make_diff("shop/cart.py", forged.CODE, text)
        trial = await made.attempt(baseline, [Candidate(diff=diff, title=name)])
        assert not trial.report.passed, name
    fix = Candidate(diff=patches.make_diff("shop/cart.py", forged.CODE, forged.FIXED))
    assert (await made.attempt(baseline, [fix])).report.passed
