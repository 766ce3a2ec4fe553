"""Loading."""

from ferry.vessels.lanes import Lanes
from ferry.vessels.vessel import Vessel


def plan(vessel: Vessel, vehicles: list[tuple[str, float]]) -> dict[int, list[str]]:
    """A loading plan: vehicles with their tonnes, in the order of boarding, by lane."""
    lanes = Lanes(vessel.lanes)
    for plate, tonnes in vehicles:
        lanes.put(plate, tonnes)
    return lanes.vehicles
