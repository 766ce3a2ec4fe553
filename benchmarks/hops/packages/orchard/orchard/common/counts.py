"""Counts."""


def levels(count: int, height: int) -> int:
    """How many levels of a height a count fills."""
    return (count + height // 2) // height


def halves(count: int) -> tuple[int, int]:
    """A count in two halves, the first the larger."""
    return count - count // 2, count // 2
