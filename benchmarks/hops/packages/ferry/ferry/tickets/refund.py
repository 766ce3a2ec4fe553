"""Refunds."""

from datetime import date

from ferry.tickets.ticket import Ticket
from ferry.tickets.validity import is_valid

FEE = 100


def refund_for(ticket: Ticket, paid: int, today: date) -> int:
    """What a passenger gets back: the price less a fee while the ticket is valid, nothing once it has expired."""
    return max(paid - FEE, 0) if is_valid(ticket, today) else 0
