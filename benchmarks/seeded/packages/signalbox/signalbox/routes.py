"""The quickest way."""

from signalbox.queue import PriorityQueue


class NoRoute(Exception):
    """Two stations without a way between them."""


class Route:
    """Stations in order, and the minutes from the first to each."""

    def __init__(self, stops, times):
        self.stops = stops
        self.times = times

    @property
    def minutes(self):
        return self.times[-1]

    def arrival(self, station, departure=0):
        return departure + self.times[self.stops.index(station)]

    def __repr__(self):
        return " - ".join(self.stops)


def quickest(network, start, goal, change=0):
    """The quickest route; at every station on the way `change` minutes are lost."""
    queue = PriorityQueue()
    queue.push(start, 0)
    before = {start: None}
    reached = {start: 0}
    done = set()
    while len(queue):
        station, minutes = queue.pop()
        if station == goal:
            return _route(before, reached, goal)
        done.add(station)
        stay = change if station != start else 0
        for other, more in network.neighbours(station).items():
            there = minutes + stay + more
            if other in done or there >= reached.get(other, float("inf")):
                continue
            reached[other] = there
            before[other] = station
            queue.push(other, there)
    raise NoRoute(f"{start} to {goal}")


def _route(before, reached, goal):
    stops = [goal]
    while before[stops[-1]] is not None:
        stops.append(before[stops[-1]])
    stops.reverse()
    return Route(stops, [reached[stop] for stop in stops])


def reachable(network, start, minutes):
    """The stations that can be reached within some minutes, nearest first."""
    queue = PriorityQueue()
    queue.push(start, 0)
    found = {}
    while len(queue):
        station, at = queue.pop()
        if at > minutes:
            break
        found[station] = at
        for other, more in network.neighbours(station).items():
            if other not in found:
                queue.push(other, at + more)
    return list(found)
