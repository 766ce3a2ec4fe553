"""Crates."""


def crates_for(kilograms: float, per_crate: float = 18.0) -> int:
    """How many crates a weight of fruit fills."""
    return int(-(-kilograms // per_crate))


def crate_number(day: int, count: int) -> str:
    """The number on a crate."""
    return f"{day:03d}/{count:04d}"
