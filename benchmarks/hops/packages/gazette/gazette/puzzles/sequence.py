"""Names one after the other, from the start again after the last."""

from gazette.common.turns import back, turn


class Sequence:
    """A sequence without an end."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def at(self, place: int) -> str:
        """The name at a place."""
        return self._names[turn(place, len(self._names))]

    def before(self, place: int, steps: int) -> str:
        """The name so many steps before a place."""
        return self._names[back(place, steps, len(self._names))]
