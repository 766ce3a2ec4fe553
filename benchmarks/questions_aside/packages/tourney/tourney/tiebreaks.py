"""Who comes first among those with equal points."""

from tourney.event import Event


def buchholz(event: Event, player: str) -> int:
    """Return the sum of the half points of the opponents in the games that were played."""
    total = 0
    for game in event.of(player):
        opponent = game.opponent(player)
        if opponent is not None and game.played:
            total += event.points(opponent)
    return total


def sonneborn_berger(event: Event, player: str) -> int:
    """Return the half points of opponents in played games: twice those of the beaten, once those of the drawn with."""
    total = 0
    for game in event.of(player):
        opponent = game.opponent(player)
        if opponent is not None and game.played:
            total += game.points(player) * event.points(opponent)
    return total
