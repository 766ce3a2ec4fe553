"""Two trains that want the same section of track at the same time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conflict:
    first: str
    second: str
    section: tuple
    minutes: int


def same_section(one, other):
    """Whether two sections are the same track, in whichever direction."""
    return {one[0], one[1]} == {other[0], other[1]}


def overlap(one, other):
    """For how many minutes both are on the track."""
    return min(one[3], other[3]) - max(one[2], other[2])


def conflicts(trains):
    """All conflicts, the earliest first."""
    found = []
    for number, train in enumerate(trains):
        for other in trains[number + 1 :]:
            for own in train.sections():
                for theirs in other.sections():
                    shared = overlap(own, theirs)
                    if same_section(own, theirs) and shared > 0:
                        when = max(own[2], theirs[2])
                        found.append((when, Conflict(train.number, other.number, own[:2], shared)))
    return [conflict for _, conflict in sorted(found, key=lambda pair: pair[0])]
