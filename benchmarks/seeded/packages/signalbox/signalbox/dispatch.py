"""Who waits: the lower rank lets the higher one pass."""

from signalbox.conflicts import conflicts


class Deadlock(Exception):
    """Holding trains does not help."""


def _waiting(one, other):
    """The train that waits, and the one that goes."""
    if (one.rank, one.at(one.route.stops[0])) <= (other.rank, other.at(other.route.stops[0])):
        return other, one
    return one, other


def resolve(trains, rounds=100):
    """Hold trains until there is no conflict; returns the holds as (number, station, minutes)."""
    by_number = {train.number: train for train in trains}
    holds = []
    for _ in range(rounds):
        found = conflicts(trains)
        if not found:
            return holds
        conflict = found[0]
        waits, goes = _waiting(by_number[conflict.first], by_number[conflict.second])
        station, minutes = _hold(waits, goes, conflict.section)
        waits.hold(station, minutes)
        holds.append((waits.number, station, minutes))
    raise Deadlock(f"after {rounds} rounds")


def _hold(waits, goes, section):
    """Where a train waits, before the section, and how long: until the other has left it."""
    enters = leaves = None
    for one, other, enter, leave in waits.sections():
        if {one, other} == set(section):
            station, enters = one, enter
    for one, other, enter, leave in goes.sections():
        if {one, other} == set(section):
            leaves = leave
    return station, leaves - enters
