"""How long a ticket is good for."""

from datetime import date

from ferry.common.spans import Span
from ferry.tickets.ticket import Ticket

DAYS = 30


def is_valid(ticket: Ticket, day: date) -> bool:
    """Whether a ticket is accepted on a day: for 30 days, the day of sale among them."""
    return Span.of(ticket.day, DAYS).holds(day)
