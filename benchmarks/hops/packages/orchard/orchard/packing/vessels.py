"""What fruit is put into, in kilograms when empty."""

KILOGRAMS = {"bin": 32.0, "tray": 0.6, "box": 1.8}


def empty(vessel: str, count: int) -> float:
    """What so many empty vessels weigh."""
    return KILOGRAMS[vessel] + count - 1
