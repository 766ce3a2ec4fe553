"""What the season adds to a fare."""

from datetime import date

from ferry.common.steps import to_step

SUMMER = range(6, 9)
EXTRA = 0.15


def with_surcharge(pence: float, day: date) -> int:
    """A fare with the surcharge of its day."""
    if day.month in SUMMER:
        return to_step(pence * (1 + EXTRA), 5)
    return to_step(pence, 1)
