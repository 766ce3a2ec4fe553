"""A node runs as many sandboxes as it is told, or as fit into its memory and cores."""

import os

import pytest

from hydranet.settings import SandboxSettings
from workers import slots
from workers.slots import count_core_slots, count_sandbox_slots, read_free_memory

GIGABYTE = 2**30


@pytest.mark.parametrize(
    ("memory", "cores", "expected"),
    [
        (100 * GIGABYTE, 4, (4, 1)),
        (100 * GIGABYTE, 16, (16, 4)),
        (21 * GIGABYTE, 16, (8, 2)),
        (4 * GIGABYTE, 16, (1, 1)),
        (GIGABYTE, 16, (1, 1)),
    ],
)
def test_what_fits_of_memory_and_cores(
    monkeypatch: pytest.MonkeyPatch, memory: int, cores: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(slots, "read_free_memory", lambda: memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert count_sandbox_slots(SandboxSettings(memory_mb=2048)) == expected


@pytest.mark.parametrize(("wanted", "expected"), [(1, (1, 1)), (30, (30, 7))])
def test_a_setting_counts_first(wanted: int, expected: tuple[int, int]) -> None:
    assert count_sandbox_slots(SandboxSettings(slots=wanted)) == expected


@pytest.mark.parametrize(("cores", "expected"), [(1, (2, 2)), (3, (3, 3)), (16, (16, 4))])
def test_no_more_work_is_taken_than_the_cores_do_at_once(
    monkeypatch: pytest.MonkeyPatch, cores: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert (count_core_slots(), count_core_slots(most=4)) == expected


def test_some_memory_is_free_here() -> None:
    assert 0 < read_free_memory() < 2**50
