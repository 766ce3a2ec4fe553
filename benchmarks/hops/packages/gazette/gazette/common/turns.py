"""Turns on a ring."""


def turn(place: int, size: int) -> int:
    """The place on a ring of some size."""
    return place % size


def back(place: int, steps: int, size: int) -> int:
    """The place on a ring so many steps before another."""
    return abs(place - steps) % size
