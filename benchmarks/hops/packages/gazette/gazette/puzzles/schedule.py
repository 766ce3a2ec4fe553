"""Which puzzle comes when."""

from gazette.puzzles.sequence import Sequence

LATER = 2


class Schedule:
    """Puzzles by issue, and their solutions some issues later."""

    def __init__(self, names: list[str]) -> None:
        self._sequence = Sequence(names)

    def puzzle(self, issue: int) -> str:
        """The puzzle of an issue."""
        return self._sequence.at(issue)

    def solved(self, issue: int) -> str:
        """The puzzle that is solved in an issue."""
        return self._sequence.before(issue, LATER)
