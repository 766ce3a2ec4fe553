"""Subscriptions."""

from gazette.delivery.reader import Reader

MONTH = 1500


def charge_month(reader: Reader) -> None:
    """Book one month's subscription."""
    reader.booked.append(MONTH)


def pay(reader: Reader, pence: int) -> None:
    """Book a payment of a subscriber."""
    reader.booked.append(-pence)
