"""Heights of the vehicle deck."""

CAR = 2.1
LORRY = 4.4


def deck_for(height: float) -> str:
    """The deck on which a vehicle of this height is loaded."""
    return "upper" if height <= CAR else "main" if height <= LORRY else "open"
