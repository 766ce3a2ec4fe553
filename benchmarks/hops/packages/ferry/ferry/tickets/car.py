"""Car tickets."""

from datetime import date

from ferry.tickets.ticket import Ticket


class CarTicket(Ticket):
    """A ticket for a car, with its plate."""

    def __init__(self, number: str, zone: str, day: date, plate: str) -> None:
        super().__init__(number, zone, day)
        self.plate = plate

    def parts(self) -> list[str]:
        """The plate, then what a passenger's ticket has."""
        return [self.plate, *super().parts()]
