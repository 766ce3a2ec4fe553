"""Crate labels."""

from orchard.packing.scale import Scale


def crate_label(scale: Scale, variety: str, shown: float) -> str:
    """The label of a crate on the scale: the variety and the net weight of the fruit."""
    return f"{variety} {scale.net(shown):.1f} kg"
