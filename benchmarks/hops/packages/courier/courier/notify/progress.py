"""How far a parcel is."""

STEPS = ("accepted", "sorted", "on its way", "delivered")


def progress(step: str) -> int:
    """How much of the way is done, in percent."""
    return 100 * (STEPS.index(step) + 1) // len(STEPS)
