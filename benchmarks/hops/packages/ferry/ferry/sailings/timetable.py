"""Timetables."""

from datetime import time

from ferry.sailings.sailing import Sailing


class Timetable:
    """The sailings of a day."""

    def __init__(self, sailings: list[Sailing]) -> None:
        self.sailings = sorted(sailings, key=lambda sailing: sailing.leaves)

    def board(self, now: time) -> list[str]:
        """The departures board: every sailing that is still to leave and was not cancelled."""
        return [f"{one.leaves:%H:%M} {one.to}" for one in self.sailings if one.leaves >= now and one.runs]
