"""Time controls."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Stage:
    """So many moves in so many seconds, with an increment for each; the last stage has 0 moves: all that are left."""

    moves: int
    seconds: int
    increment: int = 0


@dataclass(frozen=True)
class Control:
    """The stages of a game."""

    stages: tuple[Stage, ...]

    @property
    def start(self) -> int:
        """The seconds with which a clock begins."""
        return self.stages[0].seconds

    def added_after(self, move: int) -> int:
        """Return the seconds that the next stage brings after a move, counted from 1; 0 in the middle of a stage."""
        end = 0
        for stage, following in pairwise(self.stages):
            end += stage.moves
            if move == end:
                return following.seconds
        return 0

    def increment(self, move: int) -> int:
        """Return the increment of a move: that of the stage in which it is made."""
        end = 0
        for stage in self.stages[:-1]:
            end += stage.moves
            if move <= end:
                return stage.increment
        return self.stages[-1].increment


def parse_control(text: str) -> Control:
    """Read `40/5400+30,900+30`; all stages but the last name their moves."""
    stages = []
    for part in text.split(","):
        moves, slash, rest = part.strip().partition("/")
        seconds, _, increment = (rest if slash else moves).partition("+")
        stages.append(Stage(int(moves) if slash else 0, int(seconds), int(increment or 0)))
    if any(stage.moves < 1 for stage in stages[:-1]) or stages[-1].moves:
        raise ValueError(f"{text}: all stages but the last name their moves")
    return Control(tuple(stages))
