"""Sums."""

from collections.abc import Iterable


def open_sum(figures: Iterable[int]) -> int:
    """What is left of charges, above zero, after payments, below zero."""
    left = 0
    for figure in figures:
        left = max(left, figure) if figure > 0 else left + figure
    return left


def shares(total: int, parts: int) -> list[int]:
    """A total in parts that differ by one at most."""
    return [total // parts + (part < total % parts) for part in range(parts)]
