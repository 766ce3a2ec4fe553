"""The version of the contract between nodes, and who is told that it is older."""

import pytest

from hydranet.errors import UsageError
from tests.contract_parts import digest_parts, read_committed
from workers.versions import VersionGuard, check_version, contract_version


def test_a_changed_contract_has_another_version() -> None:
    assert digest_parts() == read_committed()["parts"], "the contract between nodes has changed: run `make contract`"


def test_a_node_of_the_same_version_may_join() -> None:
    check_version(contract_version())


@pytest.mark.parametrize("version", ["0", "", "-1", "1.0", "٣", "one\ntwo", "9" * 99])
def test_what_is_no_newer_version_is_an_older_one(version: str) -> None:
    with pytest.raises(UsageError, match=r"^This node has an older version .* \(contract 0, not \d+\): install the"):
        check_version(version)


def test_a_newer_node_may_not_join() -> None:
    with pytest.raises(UsageError, match=r"newer version .*: install the newer one where the stack was set up first"):
        check_version(str(int(contract_version()) + 1))


@pytest.mark.parametrize(
    ("stack", "activity", "reason"),
    [
        ("2", "2", ""),
        ("", "2", ""),
        ("2", "3", "older"),
        # Scheduled before the stack was updated.
        ("2", "1", ""),
        ("2", "", ""),
        # By a stack that was not.
        ("1", "1", "newer"),
        ("", "1", "newer"),
        ("", "", "newer"),
    ],
)
async def test_an_activity_is_taken_from_a_stack_of_this_version(stack: str, activity: str, reason: str) -> None:
    guard = VersionGuard("2")
    guard.stack = stack
    assert reason in guard.judge(activity)
    assert guard.refused.is_set() is bool(reason)
    assert bool(guard.judge(activity)) is bool(reason)
