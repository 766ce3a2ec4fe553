"""The clock of a game."""

from collections.abc import Iterable

from tourney.control import Control

SIDES = ("white", "black")


class Clock:
    """What both players have left in seconds; white moves first."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.left = dict.fromkeys(SIDES, control.start)
        self.moves = dict.fromkeys(SIDES, 0)
        self.turn = SIDES[0]
        self.flagged: str | None = None

    def press(self, seconds: int) -> None:
        """End the move of whose turn it is, who has thought for so long; at 0 seconds the flag falls."""
        if self.flagged:
            raise ValueError(f"the flag of {self.flagged} has fallen")
        side = self.turn
        self.left[side] -= seconds
        if self.left[side] <= 0:
            self.left[side] = 0
            self.flagged = side
            return
        self.moves[side] += 1
        move = self.moves[side]
        self.left[side] += self._control.increment(move) + self._control.added_after(move)
        self.turn = SIDES[1 - SIDES.index(side)]

    def show(self, side: str) -> str:
        """Return what a side has left, as `1:29:30`."""
        minutes, seconds = divmod(self.left[side], 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"


def play(control: Control, thoughts: Iterable[int]) -> Clock:
    """Return the clock after moves that took so many seconds, in turns, until they end or a flag falls."""
    clock = Clock(control)
    for seconds in thoughts:
        if clock.flagged is None:
            clock.press(seconds)
    return clock
