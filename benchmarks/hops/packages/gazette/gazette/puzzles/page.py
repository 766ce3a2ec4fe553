"""The puzzle page."""

from gazette.puzzles.schedule import Schedule


class PuzzlePage:
    """What is printed on the puzzle page of an issue; the solution comes two issues after its crossword."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def crossword(self, issue: int) -> str:
        """The crossword of an issue."""
        return self.schedule.puzzle(issue)

    def solution(self, issue: int) -> str:
        """The crossword whose solution is in an issue."""
        return self.schedule.solved(issue)
