"""Trains: a route, a departure, a rank."""

from dataclasses import dataclass, field

RANKS = {"express": 0, "regional": 1, "freight": 2}


@dataclass
class Train:
    number: str
    kind: str
    route: object
    departure: int
    delays: dict = field(default_factory=dict)

    @property
    def rank(self):
        return RANKS[self.kind]

    def at(self, station):
        """When the train is at a station, with all delays up to there."""
        stops = self.route.stops
        delay = sum(self.delays.get(stop, 0) for stop in stops[: stops.index(station) + 1])
        return self.route.arrival(station, self.departure) + delay

    def sections(self):
        """(from, to, enter, leave) of each section of track, in order."""
        stops = self.route.stops
        return [(one, other, self.at(one), self.at(other)) for one, other in zip(stops, stops[1:])]

    def hold(self, station, minutes):
        """Let the train wait at a station."""
        self.delays[station] = self.delays.get(station, 0) + minutes

    @property
    def late(self):
        return sum(self.delays.values())
