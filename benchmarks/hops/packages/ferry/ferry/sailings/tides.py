"""Tides."""

from datetime import time

LOW = 1.2


def is_deep_enough(metres: float, draught: float) -> bool:
    """Whether a boat may leave with this water."""
    return metres - draught > LOW


def hours_of_low_water(first: time) -> list[int]:
    """The hours of low water of a day."""
    return [(first.hour + 12 * turn) % 24 for turn in range(2)]
