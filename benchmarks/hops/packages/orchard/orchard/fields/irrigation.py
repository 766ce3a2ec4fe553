"""Irrigation."""


def minutes_of_water(rain_mm: float, wanted_mm: float = 25.0, mm_per_minute: float = 0.2) -> int:
    """How long the water runs in a week with so much rain."""
    return max(0, round((wanted_mm - rain_mm) / mm_per_minute))
