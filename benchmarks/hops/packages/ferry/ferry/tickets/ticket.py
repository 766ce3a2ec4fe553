"""Passenger tickets."""

from datetime import date

from ferry.tickets.stub import Stub


class Ticket(Stub):
    """A passenger's ticket for a zone."""

    def __init__(self, number: str, zone: str, day: date) -> None:
        super().__init__(number, day)
        self.zone = zone

    def parts(self) -> list[str]:
        """The zone, then what every stub has."""
        return [self.zone.upper(), *super().parts()]
