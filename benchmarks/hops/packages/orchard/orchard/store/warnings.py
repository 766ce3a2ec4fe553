"""Warnings on the screen of the cold stores."""


def door_warning(minutes_open: int) -> str:
    """What is shown when the door of a cold store stands open."""
    return "Close the door!" if minutes_open > 5 else ""


def power_warning(volts: float) -> str:
    """What is shown when the power of a cold store fails."""
    return "No power." if volts < 180 else ""
