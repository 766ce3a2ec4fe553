"""Stations and the lines between them."""


class NoSuchStation(KeyError):
    """A station that is not on the map."""


class Network:
    """Stations, and by pair of neighbours the minutes between them; tracks may be one-way."""

    def __init__(self):
        self._tracks = {}

    def station(self, name):
        self._tracks.setdefault(name, {})

    def track(self, one, other, minutes, both=True):
        self.station(one)
        self.station(other)
        self._tracks[one][other] = minutes
        if both:
            self._tracks[other][one] = minutes

    def stations(self):
        return sorted(self._tracks)

    def neighbours(self, name):
        """By neighbour, the minutes to it."""
        if name not in self._tracks:
            raise NoSuchStation(name)
        return self._tracks[name]

    def minutes(self, one, other):
        """The minutes between neighbours."""
        return self.neighbours(one)[other]

    def without(self, closed):
        """The network without some stations."""
        rest = Network()
        for name, tracks in self._tracks.items():
            if name in closed:
                continue
            rest.station(name)
            for other, minutes in tracks.items():
                if other not in closed:
                    rest.track(name, other, minutes, both=False)
        return rest
