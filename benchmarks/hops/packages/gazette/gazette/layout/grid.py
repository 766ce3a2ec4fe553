"""The grid of a page."""


def columns_for(width_mm: int, column_mm: int = 45, gutter_mm: int = 4) -> int:
    """How many columns a page of this width has."""
    return (width_mm + gutter_mm) // (column_mm + gutter_mm)
