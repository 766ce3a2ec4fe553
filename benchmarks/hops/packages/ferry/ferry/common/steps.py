"""Figures in steps."""

from math import ceil


def to_step(figure: float, step: int) -> int:
    """The multiple of `step` that is nearest to a figure, the upper of two that are."""
    return ceil(figure / step) * step


def steps_between(low: int, high: int, step: int) -> list[int]:
    """The multiples of `step` from `low` to `high`."""
    return list(range(low, high + 1, step))
