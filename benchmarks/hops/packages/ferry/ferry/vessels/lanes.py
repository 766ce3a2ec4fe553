"""Lanes of the vehicle deck."""

from ferry.common.pick import least


class Lanes:
    """What stands on each lane, numbered from 0."""

    def __init__(self, count: int) -> None:
        self.vehicles: dict[int, list[str]] = {lane: [] for lane in range(count)}
        self._tonnes = dict.fromkeys(range(count), 0.0)

    def put(self, plate: str, tonnes: float) -> None:
        """Send a vehicle to a lane."""
        lane = least(self._tonnes)
        self.vehicles[lane].append(plate)
        self._tonnes[lane] += tonnes
