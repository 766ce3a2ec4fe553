"""A sandbox host's owner says what a run gets at most."""

from activities.sandbox.node_limits import NodeLimits
from hydranet.contracts import SandboxSpec
from hydranet.settings import SandboxSettings


def test_memory_by_which_slots_are_counted_is_always_limited() -> None:
    limits = NodeLimits.of_owner(SandboxSettings())
    asked = SandboxSpec(memory_mb=60_000, cpus=32.0, test_timeout=3600)
    assert limits.apply(asked) == asked.model_copy(update={"memory_mb": 2048})
    assert limits.describe(asked, "gamma") == "limited by the settings of gamma: memory_mb 2048 of 60000"


def test_what_an_owner_sets_limits_and_raises_nothing() -> None:
    limits = NodeLimits.of_owner(SandboxSettings(memory_mb=4096, cpus=1.5, test_timeout=60))
    asked = SandboxSpec(memory_mb=1024, cpus=4, test_timeout=61)
    assert limits.apply(asked) == asked.model_copy(update={"cpus": 1.5, "test_timeout": 60.0})
    assert limits.describe(asked, "") == (
        "limited by the settings of the sandbox host: cpus 1.5 of 4 and test_timeout 60 of 61"
    )


def test_the_sandboxes_of_the_owners_own_runs_are_as_asked_for() -> None:
    asked = SandboxSpec(memory_mb=60_000)
    assert NodeLimits().apply(asked) == asked
    assert NodeLimits().describe(asked, "gamma") == ""
