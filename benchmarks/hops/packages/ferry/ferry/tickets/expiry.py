"""Warnings about tickets that expire soon."""

from datetime import date, timedelta

from ferry.tickets.ticket import Ticket

SOON = timedelta(days=3)


def expiry_notice(ticket: Ticket, expires: date, today: date) -> str:
    """What a passenger is told before a ticket expires; empty when that is far off."""
    left = expires - today
    return f"Ticket {ticket.number} expires in {left.days} days." if timedelta() <= left <= SOON else ""
