"""Control groups: what is left in one when its sandbox has ended."""

import asyncio

import pytest

from activities.sandbox import cgroups
from activities.sandbox.protocol import Limits
from tests.control_groups import list_groups

LIMITS = Limits(seconds=1, memory_mb=64, processes=8, file_mb=1, disk_mb=1, output_kb=1)


async def test_a_process_that_is_left_is_ended_and_the_group_removed() -> None:
    if not cgroups.is_available():
        pytest.skip("no control groups can be made here")
    before = list_groups()
    with cgroups.open_group(LIMITS) as group:
        assert group is not None
        left = await asyncio.create_subprocess_exec("sleep", "1000")
        group.add(left.pid)
        assert len(list_groups()) > len(before)
    async with asyncio.timeout(30):
        while list_groups() != before:
            await asyncio.sleep(0.01)
    assert await left.wait() == -9
