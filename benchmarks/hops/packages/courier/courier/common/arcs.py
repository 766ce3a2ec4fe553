"""Arcs of the clock face."""

from datetime import time


def lies_on(arc: tuple[time, time], moment: time) -> bool:
    """Whether a moment lies on an arc that runs clockwise from its start to its end."""
    start, end = arc
    return start <= moment < end
