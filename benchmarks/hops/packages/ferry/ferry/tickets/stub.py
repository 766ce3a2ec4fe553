"""The part of a ticket that is torn off."""

from datetime import date


class Stub:
    """What every kind of ticket prints on its stub."""

    def __init__(self, number: str, day: date) -> None:
        self.number = number
        self.day = day

    def parts(self) -> list[str]:
        """What is printed, one by one; kinds of tickets add theirs in front."""
        return [self.number, self.day.isoformat()]

    def label(self) -> str:
        """What is printed, on one line."""
        return " ".join([*self.parts(), self.number])
