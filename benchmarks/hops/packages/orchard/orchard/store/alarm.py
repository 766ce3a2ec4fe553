"""The alarm of a cold store."""

from orchard.store.probe import Probe

WARM = 4.0


def alarm(probe: Probe) -> str:
    """What is sent to the foreman when a cold store has been too warm for three readings; else empty."""
    return f"{probe.store} is too warm." if all(degrees > WARM for degrees in probe.recent(3)) else ""
