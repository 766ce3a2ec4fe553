"""Orders: the seats that somebody takes, and what they cost."""

from dataclasses import dataclass


@dataclass
class Order:
    """How many seats somebody takes in which row, and the share of the price that is taken off."""

    name: str
    seats: dict[int, int]
    discount: float


def total(order, hall):
    """What is to be paid for an order, in cents."""
    return round(sum(hall.rows[row].price * count for row, count in order.seats.items()) * (1 - order.discount))


def receipt(order, hall):
    """A line of text for the customer."""
    count = sum(order.seats.values())
    return f"{order.name}: {count} {'seat' if count == 1 else 'seats'}, {total(order, hall) / 100:.2f}"
