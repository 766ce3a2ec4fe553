"""The table of a tournament."""

from dataclasses import dataclass

from tourney.event import Event
from tourney.tiebreaks import buchholz, sonneborn_berger


@dataclass(frozen=True)
class Row:
    """A player with points and tie-breaks, all as on paper: in whole points."""

    rank: int
    name: str
    points: float
    buchholz: float
    sonneborn_berger: float


def standing(event: Event) -> list[Row]:
    """Return the table: by points, Buchholz, Sonneborn-Berger and name; equals in all but the name share a rank."""
    rows: list[tuple[tuple[int, int, int], str]] = []
    for name in event.players():
        values = (event.points(name), buchholz(event, name), sonneborn_berger(event, name))
        rows.append((values, name))
    rows.sort(key=lambda row: (*(-value for value in row[0]), row[1]))
    all_values = [values for values, _ in rows]
    return [
        Row(all_values.index(values) + 1, name, values[0] / 2, values[1] / 2, values[2] / 4) for values, name in rows
    ]


def show(event: Event) -> str:
    """Return the table as text, a line for each player."""
    return "\n".join(
        f"{row.rank:>2} {row.name:<10}{row.points:>5.1f}{row.buchholz:>6.1f}{row.sonneborn_berger:>7.2f}"
        for row in standing(event)
    )
