"""Who plays whom in the next round."""

from tourney.event import Event
from tourney.standing import standing


def whites(event: Event, player: str) -> int:
    """Return by how much a player had white more often than black, in the games that were played."""
    own = [game for game in event.of(player) if game.played]
    return sum(1 if game.white == player else -1 for game in own)


def have_met(event: Event, one: str, other: str) -> bool:
    """Return whether two players have played each other."""
    return any(game.played and game.opponent(one) == other for game in event.of(one))


def pair(event: Event) -> list[tuple[str, str | None]]:
    """Return the next round, white first: down the table, never a game again, the last one left has a bye."""
    names = [row.name for row in standing(event)]
    result: list[tuple[str, str | None]] = []
    while names:
        first = names.pop(0)
        other = next((name for name in names if not have_met(event, first, name)), None)
        if other is None:
            result.append((first, None))
            continue
        names.remove(other)
        ahead = whites(event, first) > whites(event, other)
        result.append((other, first) if ahead else (first, other))
    return result
