"""Ripeness of pears and apples."""

FIRM = {"apple": 7.0, "pear": 5.5}


def is_ripe(variety: str, firmness: float) -> bool:
    """Whether a fruit of this firmness can be picked."""
    return firmness <= FIRM[variety]
