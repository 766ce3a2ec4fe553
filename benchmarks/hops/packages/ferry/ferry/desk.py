"""The ticket desk: everything a clerk can do."""

from datetime import date, time

from ferry.fares.receipt import Receipt
from ferry.fares.table import price
from ferry.sailings.timetable import Timetable
from ferry.tickets.car import CarTicket
from ferry.tickets.numbering import Numbers
from ferry.tickets.refund import refund_for
from ferry.tickets.ticket import Ticket
from ferry.vessels.load import plan
from ferry.vessels.vessel import Vessel


class Desk:
    """One desk in one port."""

    def __init__(self, port: str, timetable: Timetable) -> None:
        self.port = port
        self.timetable = timetable
        self.numbers = Numbers(port)

    def quote(self, zone: str, age: int, day: date) -> int:
        """The price of one passenger in pence."""
        return price(zone, age, day)

    def sell(self, zone: str, age: int, day: date) -> tuple[Ticket, Receipt]:
        """A ticket and its receipt."""
        ticket = Ticket(self.numbers.next(), zone, day)
        return ticket, Receipt([(ticket.label(), self.quote(zone, age, day))])

    def sell_car(self, zone: str, plate: str, day: date) -> CarTicket:
        """A ticket for a car and its driver."""
        return CarTicket(self.numbers.next(), zone, day, plate)

    def refund(self, ticket: Ticket, paid: int, today: date) -> int:
        """What is paid back for a ticket that is returned."""
        return refund_for(ticket, paid, today)

    def departures(self, now: time) -> list[str]:
        """The lines of the board in the hall."""
        return self.timetable.board(now)

    def load(self, vessel: Vessel, vehicles: list[tuple[str, float]]) -> dict[int, list[str]]:
        """Which vehicle goes to which lane."""
        return plan(vessel, vehicles)
