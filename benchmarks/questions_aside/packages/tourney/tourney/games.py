"""Games and what they count."""

from dataclasses import dataclass

WHITE_POINTS = {"1-0": 2, "=": 1, "0-1": 0, "+-": 2, "-+": 0, "--": 0, "bye": 2}
BLACK_POINTS = {"1-0": 0, "=": 1, "0-1": 2, "+-": 0, "-+": 2, "--": 0}
PLAYED = ("1-0", "=", "0-1")


@dataclass(frozen=True)
class Game:
    """A game of a round: `+-`, `-+` and `--` were forfeited, and a `bye` has no black player."""

    round: int
    white: str
    black: str | None
    result: str

    @property
    def played(self) -> bool:
        """Whether the game was played on a board."""
        return self.result in PLAYED

    def points(self, player: str) -> int:
        """Return the half points that a player of the game has from it."""
        return WHITE_POINTS[self.result] if player == self.white else BLACK_POINTS[self.result]

    def opponent(self, player: str) -> str | None:
        """Return the other player, None for a bye."""
        return self.black if player == self.white else self.white


def parse_game(line: str) -> Game:
    """Read `1 Ann Bob 1-0` or `1 Ann bye`."""
    number, white, *rest = line.split()
    if rest == ["bye"]:
        return Game(int(number), white, None, "bye")
    black, result = rest
    if result not in BLACK_POINTS:
        raise ValueError(f"{line} has no result")
    return Game(int(number), white, black, result)
