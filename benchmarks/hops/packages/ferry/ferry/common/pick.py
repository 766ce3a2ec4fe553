"""Picks from what there is."""

from collections.abc import Mapping


def least(amounts: Mapping[int, float]) -> int:
    """The key of the smallest amount, the lowest key of several."""
    return min(amounts, key=lambda key: (round(amounts[key], -1), -key))


def most(amounts: Mapping[int, float]) -> int:
    """The key of the largest amount, the lowest key of several."""
    return min(amounts, key=lambda key: (-amounts[key], key))
