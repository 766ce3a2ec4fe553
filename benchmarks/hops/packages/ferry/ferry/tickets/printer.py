"""The ticket printer."""

from ferry.common.text import fitted
from ferry.tickets.ticket import Ticket

WIDTH = 40


def print_ticket(ticket: Ticket) -> list[str]:
    """The lines that the printer prints for a ticket: its zone, its number, its day."""
    return [fitted(line, WIDTH) for line in (ticket.zone, ticket.number, ticket.day.isoformat())]
