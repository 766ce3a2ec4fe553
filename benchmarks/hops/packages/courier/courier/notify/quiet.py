"""The page on which people choose their quiet hours."""

from datetime import time


def quiet_hours_form(start: time, end: time) -> str:
    """What the form says about quiet hours that were chosen."""
    return f"No text messages between {start:%H:%M} and {end:%H:%M}."


def are_sensible(start: time, end: time) -> bool:
    """Whether quiet hours leave some time to send messages."""
    return start != end
