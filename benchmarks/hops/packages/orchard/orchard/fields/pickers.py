"""Pickers."""


def pickers_for(rows: int, hours: int, rows_per_hour: float = 0.25) -> int:
    """How many pickers get so many rows picked in time."""
    return max(1, -(-rows // max(1, int(hours * rows_per_hour))))
