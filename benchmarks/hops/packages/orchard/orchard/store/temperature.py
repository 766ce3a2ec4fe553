"""Temperatures of cold stores."""

WANTED = {"apple": 1.0, "pear": -0.5}


def wanted_temperature(variety: str) -> float:
    """The temperature at which a variety is stored."""
    return WANTED[variety]


def is_too_warm(variety: str, degrees: float) -> bool:
    """Whether a cold store is too warm for what is in it."""
    return degrees > WANTED[variety] + 2.0
