"""The departure board of a station."""


def clock(minutes):
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def departures(trains, station):
    """Rows (clock, number, destination, note) of the trains that leave a station, by time."""
    rows = []
    for train in trains:
        stops = train.route.stops
        if station in stops[:-1]:
            late = train.at(station) - train.route.arrival(station, train.departure)
            note = f"{late} min late" if late else ""
            rows.append((train.at(station), train.number, stops[-1], note))
    return [(clock(at), number, goal, note) for at, number, goal, note in sorted(rows)]


def connection(trains, first, last, at):
    """The train that leaves `first` at or after a time and is in `last` soonest, or None."""
    best = None
    for train in trains:
        stops = train.route.stops
        if first in stops and last in stops and stops.index(first) < stops.index(last):
            if train.at(first) >= at and (best is None or train.at(last) < best.at(last)):
                best = train
    return best
