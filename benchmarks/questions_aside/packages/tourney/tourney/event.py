"""A tournament's games by player."""

from collections.abc import Iterable

from tourney.games import Game, parse_game


class Event:
    """All games of a tournament."""

    def __init__(self, games: Iterable[Game]) -> None:
        self.games = sorted(games, key=lambda game: game.round)

    def players(self) -> list[str]:
        """Return all players by name."""
        names = {name for game in self.games for name in (game.white, game.black) if name}
        return sorted(names)

    def of(self, player: str) -> list[Game]:
        """Return a player's games, byes and forfeited ones included, by round."""
        return [game for game in self.games if player in (game.white, game.black)]

    def points(self, player: str) -> int:
        """Return a player's half points."""
        return sum(game.points(player) for game in self.of(player))


def read_event(text: str) -> Event:
    """Read a tournament, a game a line; empty lines are left out."""
    return Event(parse_game(line) for line in text.splitlines() if line.strip())
