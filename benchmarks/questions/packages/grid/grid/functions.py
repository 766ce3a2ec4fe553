"""The functions that a formula can call; an empty cell is None."""

from collections.abc import Callable, Sequence

Value = float | str | None


def numbers(values: Sequence[Value]) -> list[float]:
    """Return the numbers among values: neither texts nor empty cells."""
    return [value for value in values if isinstance(value, int | float)]


def average(values: Sequence[Value]) -> float:
    """Return the mean of the numbers, 0 of none."""
    own = numbers(values)
    return sum(own) / len(own) if own else 0


FUNCTIONS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "SUM": lambda values: sum(numbers(values)),
    "AVG": average,
    "MIN": lambda values: min(numbers(values), default=0),
    "MAX": lambda values: max(numbers(values), default=0),
    "COUNT": lambda values: len(numbers(values)),
}
